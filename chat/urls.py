"""Routes of `chat`; the socket's is in `routing.py`."""

from django.urls import path

from . import feedback, views

app_name = "chat"

urlpatterns = [
    path("chat", views.chat, name="chat"),
    path("chat/models", views.own_models, name="own-models"),
    path("chat/feedback/<str:generation_id>", feedback.feedback, name="feedback"),
]
