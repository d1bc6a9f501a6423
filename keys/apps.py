from django.apps import AppConfig
from django.core.checks import Tags, register


class KeysConfig(AppConfig):
    name = "keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from .departures import deleted_accounts, organisations
        from .provider_keys import readability

        deleted_accounts.connect_signals()
        organisations.connect_signals()
        register(readability.check_readable, Tags.database)
