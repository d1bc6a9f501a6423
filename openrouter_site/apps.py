from django.apps import AppConfig
from django.contrib.admin import apps as admin


class SiteConfig(AppConfig):
    name = "openrouter_site"

    def ready(self) -> None:
        from .serving import log_filters

        log_filters.mask_urls_in_logs()


class OperatorAdminConfig(admin.AdminConfig):
    """Django's admin, behind the site's own sign-in."""

    default = False  # named in the settings; `SiteConfig` is this app
    default_site = "openrouter_site.operators.operator_admin.OperatorAdmin"
