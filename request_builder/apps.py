from django.apps import AppConfig


class RequestBuilderConfig(AppConfig):
    name = "request_builder"
