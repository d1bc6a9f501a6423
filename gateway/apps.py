from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Requests"

    def ready(self) -> None:
        from gateway.accounting import (
            deletion,
            lookup,  # noqa: F401 registers the ids that operators can look up
            reconciliation,  # noqa: F401 registers its checks
            settlement,
        )
        from gateway.providers.customer_keys import Providers
        from gateway.routing import health, health_days, provider_keys, published_health, unavailable, upstreams
        from gateway.steps import presets
        from keys.provider_keys import directory
        from models_catalog import catalog, exclusions
        from models_catalog.metrics import measured_days, measurements
        from presets import rules

        deletion.connect_signals()
        catalog.provide(upstreams.is_configured)
        measurements.provide(published_health.published)
        measurements.provide_models(published_health.published_models)
        measured_days.provide(health_days.of_model, health_days.of_provider)
        exclusions.provide(unavailable.excluded_for)
        rules.provide(presets.check)
        directory.provide(Providers())
        settlement.queue.on_heartbeat(health.tracker.sync)
        settlement.queue.on_heartbeat(provider_keys.ring.sync)
