"""The models as RSS, newest first."""

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from django.utils.feedgenerator import Rss201rev2Feed

from models_catalog.entries import ModelEntry

__all__ = ["rss"]


def rss(models: Iterable[ModelEntry], *, chat_links: bool = False) -> bytes:
    """Return an RSS 2.0 document. With `chat_links`, items link to the chat instead of the model's page."""
    feed = Rss201rev2Feed(
        title=f"{settings.SITE_NAME}: models",
        link=settings.SITE_URL + reverse("models_catalog:models"),
        description=f"Models that can be called through {settings.SITE_NAME}.",
        language="en",
    )
    for model in models:
        page = settings.SITE_URL + reverse("models_catalog:model", args=model.id.split("/", 1))
        feed.add_item(
            title=model.name,
            link=f"{settings.SITE_URL}/chat?model={quote(model.id)}" if chat_links else page,
            description=model.description,
            unique_id=page,
            pubdate=datetime.fromtimestamp(model.created, UTC),
            author_name=model.author_name,
        )
    return feed.writeString("utf-8").encode()
