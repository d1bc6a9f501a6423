"""The common navigation of the settings pages."""

from typing import Any

from django import template
from django.urls import reverse

from openrouter_site.pages import settings_area

register = template.Library()


@register.inclusion_tag("settings/navigation.html", takes_context=True)
def settings_navigation(context: template.Context) -> dict[str, Any]:
    """Show all pages, the current one marked; on narrow screens a link back to the page above the current one."""
    request = context["request"]
    match = request.resolver_match
    route = match.view_name if match else ""
    current = settings_area.entry_of(route)
    is_below = current is not None and current.route != route
    return {
        "groups": settings_area.groups_for(request.user, context["organisation"]),
        "current": current,
        "is_below": is_below,
        "back_url": current.url if is_below and current else reverse("settings"),
        "back_label": current.label if is_below and current else "Settings",
    }
