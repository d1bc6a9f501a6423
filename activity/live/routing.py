"""The route of the live socket."""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

from django.urls import path

from .consumer import LiveConsumer

websocket_urlpatterns = [path("ws/activity", LiveConsumer.as_asgi())]
