from django.apps import AppConfig
from django.core.checks import Tags, register


class KeysConfig(AppConfig):
    name = "keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from . import deletion, departures
        from .provider_keys import readability

        deletion.connect_signals()
        departures.connect_signals()
        register(readability.check_readable, Tags.database)
