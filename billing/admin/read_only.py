"""The base class of billing's admins."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from billing import lookup
from common import admin


class ReadOnlyAdmin(admin.ReadOnlyAdmin):
    """An admin that shows rows about money and never saves them. Subclasses may add actions."""

    #: Lookup path from a row to its account, so that a request's ID finds the rows of the account that paid for it.
    #: Empty: no search by such IDs.
    account_path = "account"
    #: Column in pico-USD or cents -> the method that shows it in dollars.
    dollar_columns: ClassVar[dict[str, str]] = {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [field.name for field in self.model._meta.concrete_fields]
        return [self.dollar_columns.get(name, name) for name in names]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if self.account_path and (accounts := lookup.accounts_by_id(search_term.strip())) is not None:
            return queryset.filter(**{f"{self.account_path}__in": accounts}), False
        return super().get_search_results(request, queryset, search_term)
