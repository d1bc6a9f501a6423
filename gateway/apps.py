from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        from models_catalog import measurements

        from . import (
            finding,  # noqa: F401 registers what an operator may search by
            health,
            reconciliation,  # noqa: F401 registers its checks
        )

        measurements.provide(health.measured)
