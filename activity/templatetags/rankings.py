"""The usage of a model or of an author, for their pages."""

from datetime import timedelta

from django import template

from activity.models import App
from activity.rankings.sums import Totals, between, of_apps
from activity.rankings.tables import usage
from activity.rankings.tables.boards import Row, app_rows
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


@register.simple_tag
def model_usage(model_id: str) -> usage.Usage:
    """Return the tokens of a model by day, read in one query."""
    return usage.of_model(model_id)


@register.simple_tag
def author_usage(author: str) -> usage.Usage:
    """Return the tokens of an author's models by day, read in one query."""
    return usage.of_author(author)


@register.filter
def tokens_of(found: usage.Usage, model_id: str) -> int:
    """Return the tokens of one model of an author."""
    return found.tokens.get(model_id, 0)
