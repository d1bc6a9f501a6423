"""Syncs of the catalog with published sources, and the history of prices that they and operators make."""

import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.text import Truncator

from common.admin import ReadOnlyAdmin
from models_catalog.loading.sync.download import UnreadableSource
from models_catalog.loading.sync.offers import InvalidDocument
from models_catalog.loading.sync.sources import InvalidSource, Outcome, Source, configured, preview, sync
from models_catalog.models import CatalogueSync, EndpointPrice


@admin.register(CatalogueSync)
class CatalogueSyncAdmin(ReadOnlyAdmin):
    change_list_template = "models_catalog/admin/syncs.html"
    list_display = ("source", "outcome", "changes", "checked_at", "short_reason")
    readonly_fields = ("source", "outcome", "reason", "counts", "started_at", "checked_at", "etag")
    list_filter = ("outcome",)
    ordering = ("-started_at", "-pk")
    actions = ("preview_sources", "apply_sources")

    @admin.display(description="changes")
    def changes(self, row: CatalogueSync) -> str:
        return ", ".join(f"{number} {kind}" for kind, number in row.counts.items())

    @admin.display(description="reason")
    def short_reason(self, row: CatalogueSync) -> str:
        return Truncator(row.reason).chars(120)

    @admin.action(description="Preview what the source would change now", permissions=["change"])
    def preview_sources(self, request: HttpRequest, queryset: QuerySet[CatalogueSync]) -> HttpResponseRedirect | None:
        chosen = set(queryset.values_list("source", flat=True))
        if len(chosen) == 1:
            return redirect(_preview_url(chosen.pop()))
        self.message_user(request, "Select syncs of one source only.", messages.WARNING)
        return None

    @admin.action(description="Apply what the source changes now", permissions=["change"])
    def apply_sources(self, request: HttpRequest, queryset: QuerySet[CatalogueSync]) -> None:
        chosen = set(queryset.values_list("source", flat=True))
        sources, _ = _configured()
        for name in chosen - {str(source) for source in sources}:
            self.message_user(request, f"{name} is no longer configured.", messages.WARNING)
        for source in sources:
            if str(source) in chosen:
                self._report(request, sync(source).record)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        sources, problem = _configured()
        if problem:
            self.message_user(request, problem, messages.ERROR)
        links = [(str(source), _preview_url(str(source))) for source in sources]
        return super().changelist_view(request, {"sources": links, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_source)
        return [path("preview/", view, name="models_catalog_cataloguesync_preview"), *super().get_urls()]

    def preview_source(self, request: HttpRequest) -> HttpResponse:
        """Show what a configured source would change, and apply it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        name = request.GET.get("source", "")
        source = next((each for each in _configured()[0] if str(each) == name), None)
        if source is None:
            raise Http404
        if request.method == "POST":
            accept, expected = "accept" in request.POST, request.POST.get("fingerprint", "")[:100]
            record = sync(source, accept=accept, expected=expected or "none").record
            self._report(request, record)
            applied = record.outcome in {Outcome.APPLIED, Outcome.NO_CHANGE}
            return redirect("admin:models_catalog_cataloguesync_changelist" if applied else _preview_url(name))
        context = self.admin_site.each_context(request) | {"title": "Preview", "opts": self.opts}
        context["source"] = re.split(r"(?<=[/:.])", name)  # where a line may break
        try:
            context["found"] = preview(source)
        except (UnreadableSource, InvalidDocument) as error:
            context["problem"] = str(error)
        return render(request, "models_catalog/admin/preview.html", context)

    def _report(self, request: HttpRequest, record: CatalogueSync) -> None:
        outcome = Outcome(record.outcome)
        done = outcome in {Outcome.APPLIED, Outcome.NO_CHANGE}
        self.log_action(request, record, f"Synced: {outcome.label}.")
        self.message_user(
            request,
            f"{record.source}: {outcome.label}. {record.reason}".strip(),
            messages.SUCCESS if done else messages.ERROR,
        )


def _configured() -> tuple[list[Source], str]:
    """(the configured sources, what is wrong with them)."""
    try:
        return configured(), ""
    except InvalidSource as error:
        return [], str(error)


def _preview_url(source: str) -> str:
    return f"{reverse('admin:models_catalog_cataloguesync_preview')}?{urlencode({'source': source})}"


@admin.register(EndpointPrice)
class EndpointPriceAdmin(ReadOnlyAdmin):
    list_display = ("model", "tag", "valid_from", "valid_until", "pricing", "tiers")
    readonly_fields = list_display
    ordering = ("-valid_from", "model", "tag")
    search_fields = ("=model", "=tag")
    search_hint = "Search for the ID of a model or the tag of an endpoint."
    date_hierarchy = "valid_from"
