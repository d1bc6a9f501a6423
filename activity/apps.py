from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "activity"
    verbose_name = "Rankings"

    def ready(self) -> None:
        from activity.rankings import opting_out
        from activity.rankings.apps import categories
        from activity.rankings.tables import model_usage
        from models_catalog.metrics import measurements

        opting_out.connect_signals()
        categories.connect()
        measurements.provide_usage(model_usage.recent)
