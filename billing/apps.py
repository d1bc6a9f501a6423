from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from . import allowance
        from .notifications import sign_ins
        from .payments import closing, deletion

        allowance.connect_signals()
        deletion.connect_signals()
        closing.connect_signals()
        sign_ins.connect_signals()
