"""Tags for every page: the import map and icons."""

import json
from functools import cache

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def importmap(context: template.Context) -> SafeString:
    """Return the `<script type=importmap>` with which modules import libraries and each other by name."""
    body = _import_map(tuple(context["imports"].items()), settings.STATIC_URL)
    return format_html('<script type="importmap" nonce="{}">{}</script>', context["csp_nonce"], body)


@cache
def _import_map(imports: tuple[tuple[str, str], ...], static_url: str) -> SafeString:
    """Return the same for every page of a process, because the names of static files do not change meanwhile."""
    body = json.dumps({"imports": {name: static(file) for name, file in imports}}).replace("<", "\\u003c")
    return mark_safe(body)  # noqa: S308 no user input


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon from `templates/components/icons.html`. Without a label it is hidden from screen readers."""
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name)
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)
