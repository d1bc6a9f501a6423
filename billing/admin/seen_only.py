"""What all of billing's tables have in common for an operator."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]  # generic for the type checker only
else:
    Admin = admin.ModelAdmin


class SeenOnly(Admin):
    """A table that can be looked at."""

    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The right to change allows the actions; a row itself is never saved.
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.concrete_fields]

    def tell(self, request: HttpRequest, done: int, what: str) -> None:
        """Say how many it worked for."""
        self.message_user(request, f"{what}: {done}.", messages.SUCCESS if done else messages.WARNING)

    def note(self, request: HttpRequest, thing: Model, what: str) -> None:
        """Keep who did what, in the admin's own log."""
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, [thing], CHANGE, what, single_object=True)
