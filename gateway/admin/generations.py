"""The admin of requests that were served: metadata and money, to look up. Stored prompts are not shown.

The table is the largest of the site, so nothing here counts it, sorts it or scans it: the newest rows come by the
primary key, and a search goes to one request, one account or one key by an index.
"""

import re
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from billing.models import CreditAccount
from common.admin import ReadOnlyAdmin
from common.money import PicoUsd, format_exact_usd
from gateway.models import Generation
from keys.models import ApiKey


class FirstPages(Paginator):  # type: ignore[type-arg]
    """Pages of the first rows: it looks how many there are, but not beyond MAX_ROWS."""

    MAX_ROWS = 1000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.values_list("pk", flat=True)[: self.MAX_ROWS])


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    paginator = FirstPages
    list_display = (
        "id",
        "created_at",
        "organisation",
        "key_label",
        "model",
        "provider",
        "tokens",
        "charged",
        "outcome",
    )
    list_display_links = ("id",)
    list_select_related = ("account__organisation", "key")
    list_max_show_all = 0
    sortable_by = ()
    search_fields = ("id",)
    search_hint = (
        "Generation ID, email, organization ID, or a key's hash or start of its label. The newest 1,000 are listed."
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # IDs begin with the time. An account's rows have an index of their own.
        return ("-created_at", "-pk") if request.GET.get("q") else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if text.startswith("gen-"):
            return queryset.filter(pk=text), False
        if text.startswith("org_"):
            return queryset.filter(account__in=_ids(CreditAccount.objects.filter(organisation__public_id=text))), False
        if "@" in text:
            accounts = CreditAccount.objects.filter(organisation__members__email=text.lower())
            return queryset.filter(account__in=_ids(accounts)), False
        if re.fullmatch(r"[0-9a-f]{64}", text):
            return queryset.filter(key__in=_ids(ApiKey.objects.filter(hash=text))), False
        if text.startswith("sk-or-v1-"):
            return queryset.filter(key__in=_ids(ApiKey.objects.filter(label__startswith=text[:12]))), False
        return queryset.none(), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = {"hold": "held", "cost": "charged", "write_off": "written_off", "cancelled": "is_canceled"}
        names = [field.name for field in self.model._meta.concrete_fields]
        return [shown.get(name, name) for name in names]

    @admin.display(description="canceled", boolean=True)
    def is_canceled(self, generation: Generation) -> bool:
        return generation.cancelled

    @admin.display(description="organization")
    def organisation(self, generation: Generation) -> str:
        return generation.account.organisation.name

    @admin.display(description="key")
    def key_label(self, generation: Generation) -> str:
        return generation.key.label if generation.key else "-"

    @admin.display(description="tokens in / out")
    def tokens(self, generation: Generation) -> str:
        return f"{generation.prompt_tokens:,} / {generation.completion_tokens:,}"

    @admin.display(description="cost")
    def charged(self, generation: Generation) -> str:
        return format_exact_usd(PicoUsd(generation.cost))

    @admin.display(description="on hold while it ran")
    def held(self, generation: Generation) -> str:
        return format_exact_usd(PicoUsd(generation.hold))

    @admin.display(description="written off")
    def written_off(self, generation: Generation) -> str:
        return format_exact_usd(PicoUsd(generation.write_off))

    def outcome(self, generation: Generation) -> str:
        if generation.error_status:
            return f"failed ({generation.error_status})"
        if generation.state == Generation.State.RELEASED:
            return "released: its process died"
        return "canceled" if generation.cancelled else generation.finish_reason or "-"


def _ids(rows: QuerySet[Any]) -> list[int]:
    # As values: with a subquery, a database may choose to scan the large table.
    return list(rows.values_list("pk", flat=True)[:200])
