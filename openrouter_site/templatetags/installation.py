"""The state of the installation, for the admin's start page."""

from django import template

from openrouter_site.operators import installation

register = template.Library()


@register.simple_tag
def installation_checks() -> list[installation.Check]:
    """Return the state of every part of the site."""
    return installation.checks()
