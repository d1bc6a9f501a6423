from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "activity"
    verbose_name = "Rankings"

    def ready(self) -> None:
        from activity.rankings import categories, opting_out

        opting_out.connect_signals()
        categories.connect()
