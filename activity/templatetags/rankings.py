"""The apps that use a model, for its page."""

from datetime import timedelta

from django import template

from activity.models import App
from activity.rankings.boards import Row, app_rows
from activity.rankings.sums import Totals, between, of_apps
from common.clock import utc_now

register = template.Library()

#: Apps of a model, and the days that are ranked.
MOST, DAYS = 5, 7


@register.simple_tag
def top_apps(model_id: str) -> list[Row]:
    """Return the apps with the most tokens of a model in the last days, read in two queries."""
    today = utc_now().date()
    found = between(of_apps(model=model_id), ("app_id",), today - timedelta(days=DAYS - 1), today)[:MOST]
    top = [Totals(each.key[0], each.tokens, each.requests) for each in found]
    return app_rows(top, App.objects.in_bulk([each.key for each in top]))
