from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from .organisations import notices as organisation_notices
        from .sign_in import notices, second_factor, signup
        from .sockets import sign_out

        second_factor.connect_signals()
        signup.connect_signals()
        notices.connect_signals()
        organisation_notices.connect_signals()
        sign_out.connect_signals()
