"""The admin of customers' feedback, newest first."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.admin import ReadOnlyAdmin
from gateway.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = (
        "sent_at",
        "rating",
        "category",
        "comment",
        "generation_link",
        "organisation",
        "model_id",
        "provider",
    )
    list_display_links = ("sent_at",)
    list_filter = ("rating", "category")
    list_select_related = ("generation__account__organisation",)
    sortable_by = ()
    search_fields = ("generation__exact",)
    search_hint = "Generation ID."

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-sent_at",)

    @admin.display(description="request")
    def generation_link(self, feedback: Feedback) -> SafeString:
        link = reverse("admin:gateway_generation_change", args=[feedback.pk])
        return format_html('<a href="{}">{}</a>', link, feedback.pk)

    @admin.display(description="organization")
    def organisation(self, feedback: Feedback) -> str:
        return feedback.generation.account.organisation.name

    @admin.display(description="model")
    def model_id(self, feedback: Feedback) -> str:
        return feedback.generation.model or feedback.generation.requested_model

    def provider(self, feedback: Feedback) -> str:
        return feedback.generation.provider or "-"
