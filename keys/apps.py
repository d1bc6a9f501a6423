from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from . import deletion, departures

        deletion.connect_signals()
        departures.connect_signals()
