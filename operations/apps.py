from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from billing.credits import reconciliation
        from gateway.accounting import settlement

        from .alerting import watching
        from .health import periodic_tasks
        from .telemetry import gauges

        _report_errors()
        periodic_tasks.connect_signals()
        reconciliation.on_result(watching.ledger_checked)
        settlement.queue.on_heartbeat(gauges.refresh)
        settlement.queue.on_heartbeat(watching.Watch().beat)


def _report_errors() -> None:
    """Start error reports if they are configured. sentry-sdk is imported only then: it is an optional package."""
    if not settings.SENTRY_DSN:
        return
    try:
        from .telemetry import error_reports
    except ImportError as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but sentry-sdk is not installed. Install it with: "
            "pip install --require-hashes -r requirements/sentry.txt"
        ) from error
    environment = "development" if settings.DEBUG else "production"
    error_reports.start(settings.SENTRY_DSN, release=settings.VERSION, environment=environment)
