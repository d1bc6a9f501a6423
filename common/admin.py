"""Base classes of admins, for every app: `Admin`, and `ReadOnlyAdmin` for rows that operators see and never save."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

__all__ = ["Admin", "ReadOnlyAdmin"]

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]  # generic for the type checker only
else:
    _ModelAdmin = admin.ModelAdmin


class Admin(_ModelAdmin):
    """An admin whose actions report how many rows they changed, and record each."""

    list_per_page = 50
    show_full_result_count = False
    #: What can be searched for, in a sentence, for `change_list_template = "admin/look_up.html"`. Django's own
    #: `search_help_text` hides the field's label.
    search_hint = ""

    def report(self, request: HttpRequest, done: int, what: str) -> None:
        """Show for how many rows an action succeeded."""
        self.message_user(request, f"{what}: {done}.", messages.SUCCESS if done else messages.WARNING)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"search_hint": self.search_hint} | (extra_context or {}))

    def log_action(self, request: HttpRequest, row: Model, what: str) -> None:
        """Record what the operator did, in the admin's log."""
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, [row], CHANGE, what, single_object=True)


class ReadOnlyAdmin(Admin):
    """An admin that shows rows and never saves them. Subclasses may add actions."""

    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    change_list_template = "admin/look_up.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The permission to change allows the actions. Rows are never saved.
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        # With the permission to change, the default title would say that rows can be edited.
        context = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, context | (extra_context or {}))
