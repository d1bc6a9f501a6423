from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from gateway.accounting import settlement

        from . import gauges

        settlement.queue.on_heartbeat(gauges.refresh)
