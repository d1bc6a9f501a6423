"""The tokens of models in the last days, and the uses of the apps that used them, for the catalog's pages."""

from collections import defaultdict
from datetime import timedelta

from django.db.models import Sum

from activity.models import App, ModelDay
from common.clock import utc_now
from models_catalog.metrics.measurements import Usage

from .sums import TOKENS, of_apps

__all__ = ["DAYS", "recent"]

#: UTC days that count, today included.
DAYS = 7


def recent() -> dict[str, Usage]:
    """Return the usage of every model with tokens in the last days, by ID, read in three queries."""
    first = utc_now().date() - timedelta(days=DAYS - 1)
    sums = ModelDay.objects.filter(day__gte=first).order_by().values_list("model").annotate(tokens=Sum(TOKENS))
    uses = {app.pk: app.used_for for app in App.objects.exclude(use="", categories=[], sent_categories=[])}
    found: dict[str, set[str]] = defaultdict(set)
    days = of_apps(day__gte=first, app__in=[pk for pk, use in uses.items() if use]).exclude(model="")
    for app, model in days.values_list("app", "model").distinct():
        use = uses[app]
        found[model] |= {use, use.partition("/")[0]}  # "marketing/seo" is marketing too
    return {model: Usage(int(tokens), frozenset(found[model])) for model, tokens in sums if tokens}
