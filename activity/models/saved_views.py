"""Views of the dashboard and the logs that members have saved."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Organisation
from common.naming.ids import public_id

__all__ = ["SavedView"]


def new_view_id() -> str:
    return public_id("view")


class SavedView(models.Model):
    """A named view of one organization's usage: the page and its query string, which is the whole state of the page.

    It is its user's. A `shared` one may be opened by all members of the organization.
    """

    class Page(models.TextChoices):
        ACTIVITY = "activity", "Activity"
        LOGS = "logs", "Logs"

    LONGEST_NAME: ClassVar = 80
    LONGEST_QUERY: ClassVar = 2000

    public_id = models.CharField(max_length=32, unique=True, default=new_view_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="saved_views")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=10, choices=Page.choices)
    name = models.CharField(max_length=80)
    # As the page's filters write it: without defaults, unknown names or cursors. Keys are in it by their hash.
    query = models.CharField(max_length=2000, blank=True)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organisation", "user", "page", "name"), name="one_saved_view_per_name"),
        )

    def __str__(self) -> str:
        return self.name
