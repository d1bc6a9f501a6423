from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "openrouter_site"
