"""The admin of API keys: to look up and to disable. Only a fingerprint of a key is stored, so none can be shown."""

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from common.admin import ReadOnlyAdmin
from common.money import PicoUsd, format_exact_usd

from . import authentication
from .models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("label", "name", "organisation", "created_by", "state", "used", "spend_limit", "last_used_at")
    list_filter = ("is_management", "disabled")
    list_select_related = ("organisation", "created_by")
    search_fields = ("label", "name", "organisation__public_id", "organisation__name", "created_by__email")
    search_hint = "Email, organization ID, hash, start of the label (sk-or-v1-0e6), or name. Never paste a whole key."
    actions = ("disable", "enable")
    readonly_fields = (
        "label",
        "hash",
        "name",
        "organisation",
        "created_by",
        "is_management",
        "state",
        "expires_at",
        "used",
        "spend_limit",
        "limit_reset",
        "allowed_ips",
        "allowed_models",
        "requests_per_minute",
        "tokens_per_minute",
        "max_concurrent_requests",
        "external_user",
        "previous_hash_expires_at",
        "created_at",
        "last_used_at",
        "updated_at",
        "updated_by",
        "deleted_at",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # What uses an index needs no scan of all keys.
        text = search_term.strip()
        if re.fullmatch(r"[0-9a-f]{64}", text):
            return queryset.filter(Q(hash=text) | Q(previous_hash=text)), False
        if text.startswith("org_"):
            return queryset.filter(organisation__public_id=text), False
        if "@" in text and (user := User.objects.filter(email=text.lower()).first()):
            return queryset.filter(organisation__memberships__user=user), False
        if text.startswith(authentication.PREFIX):
            return queryset.filter(label__startswith=text[:12]), False
        return super().get_search_results(request, queryset, search_term)

    def state(self, key: ApiKey) -> str:
        return "deleted" if key.deleted_at else "disabled" if key.disabled else "active"

    @admin.display(description="usage", ordering="usage")
    def used(self, key: ApiKey) -> str:
        return format_exact_usd(PicoUsd(key.usage))

    @admin.display(description="spend limit", ordering="limit")
    def spend_limit(self, key: ApiKey) -> str:
        return "-" if key.limit is None else format_exact_usd(PicoUsd(key.limit))

    @admin.action(description="Disable (requests get 401 within two seconds)", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self._switch(request, queryset, disabled=True)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self._switch(request, queryset, disabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[ApiKey], *, disabled: bool) -> None:
        done = 0
        for key in queryset.filter(deleted_at=None).exclude(disabled=disabled):
            ApiKey.objects.filter(pk=key.pk).update(disabled=disabled)
            authentication.clear(*key.hashes)
            self.log_action(request, key, "Disabled." if disabled else "Enabled.")
            done += 1
        self.report(request, done, "Keys disabled" if disabled else "Keys enabled")
