"""The socket's route."""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

from django.urls import path

from .consumer import ChatConsumer

websocket_urlpatterns = [path("ws/chat", ChatConsumer.as_asgi())]
