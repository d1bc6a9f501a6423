from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from billing.credits import reconciliation
        from gateway.accounting import settlement

        from . import gauges, watching

        reconciliation.on_result(watching.ledger_checked)
        settlement.queue.on_heartbeat(gauges.refresh)
        settlement.queue.on_heartbeat(watching.Watch().beat)
