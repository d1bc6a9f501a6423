"""The menu of saved views in the header of a page."""

from typing import Any

from django import template

from activity.filters import Filter
from activity.logs.filters import LogFilter
from activity.saved_views import saving

register = template.Library()


@register.inclusion_tag("activity/partials/saved_views_menu.html", takes_context=True)
def saved_views_menu(context: dict[str, Any], page: str, view: Filter | LogFilter) -> dict[str, Any]:
    """Return the views of `page` that the member may open, and the query string of the one that is shown."""
    account = view.usage.account if isinstance(view, LogFilter) else view.account
    user = context["request"].user
    found = list(saving.visible(user, account.organisation_id).filter(page=page))
    return {
        "page": page,
        "query": view.query(),
        "own": [each for each in found if each.user_id == user.pk],
        "others": [each for each in found if each.user_id != user.pk],
    }
