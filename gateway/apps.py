from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        from gateway.accounting import (
            lookup,  # noqa: F401 registers what an operator may search by
            reconciliation,  # noqa: F401 registers its checks
        )
        from gateway.routing import health
        from models_catalog import measurements

        measurements.provide(health.measured)
