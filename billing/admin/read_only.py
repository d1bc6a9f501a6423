"""The base class of billing's admins."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from billing import lookup

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]  # generic for the type checker only
else:
    Admin = admin.ModelAdmin


class ReadOnlyAdmin(Admin):
    """An admin that shows rows and never saves them. Subclasses may add actions."""

    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False
    #: Lookup path from a row to its account, so that a request's ID finds the rows of the account that paid for it.
    #: Empty: no search by such IDs.
    account_path = "account"
    #: Column in pico-USD or cents -> the method that shows it in dollars.
    dollar_columns: ClassVar[dict[str, str]] = {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The permission to change allows the actions. Rows are never saved.
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [field.name for field in self.model._meta.concrete_fields]
        return [self.dollar_columns.get(name, name) for name in names]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if self.account_path and (accounts := lookup.accounts_by_id(search_term.strip())) is not None:
            return queryset.filter(**{f"{self.account_path}__in": accounts}), False
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        # With the permission to change, the default title would say that rows can be edited.
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, title | (extra_context or {}))

    def report(self, request: HttpRequest, done: int, what: str) -> None:
        """Show for how many rows an action succeeded."""
        self.message_user(request, f"{what}: {done}.", messages.SUCCESS if done else messages.WARNING)

    def log_action(self, request: HttpRequest, row: Model, what: str) -> None:
        """Record what the operator did, in the admin's log."""
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, [row], CHANGE, what, single_object=True)
