"""The tokens of models in the last days, and what they were used for, for the catalog's pages."""

from collections import defaultdict
from datetime import timedelta

from django.db.models import Q, Sum

from activity.models import App, ModelDay
from activity.rankings.sums import TOKENS, of_apps, of_uses
from common.clock import utc_now
from models_catalog.metrics.measurements import Usage

__all__ = ["DAYS", "recent"]

#: UTC days that count, today included.
DAYS = 7


def recent() -> dict[str, Usage]:
    """Return the usage of every model with tokens in the last days, by ID, read in four queries."""
    first = utc_now().date() - timedelta(days=DAYS - 1)
    sums = ModelDay.objects.filter(day__gte=first).order_by().values_list("model").annotate(tokens=Sum(TOKENS))
    uses = {app.pk: app.used_for for app in App.objects.exclude(use="", categories=[], sent_categories=[])}
    found: dict[str, set[str]] = defaultdict(set)
    days = of_apps(day__gte=first, model__gt="")
    days = days.filter(~Q(use="") | Q(app__in=[pk for pk, use in uses.items() if use]))
    known = [(model, use or uses[app]) for app, model, use in days.values_list("app", "model", "use").distinct()]
    known += of_uses(day__gte=first).values_list("model", "use").distinct()
    for model, use in known:
        found[model] |= {use, use.partition("/")[0]}  # "marketing/seo" is marketing too
    return {model: Usage(int(tokens), frozenset(found[model])) for model, tokens in sums if tokens}
