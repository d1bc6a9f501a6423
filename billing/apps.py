from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from . import allowance
        from .payments import closing, deletion

        allowance.connect_signals()
        deletion.connect_signals()
        closing.connect_signals()
