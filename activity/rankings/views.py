"""The public pages of the rankings: models and apps by tokens, the apps, and one app."""

from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from activity.models import CATEGORIES, USES, App, Standing
from common.clock import utc_now
from common.storage import replica
from common.web.http import PageRequest

from .apps.addresses import slug_of
from .periods import PERIODS, period_of
from .sums import Totals, by_bucket, largest_first, of_apps, totals
from .tables.boards import BY, board_of, chart_of, counted_at, model_rows, rows_of, top_apps
from .tables.leaders import SORTS, of_categories

#: Apps beside the other rankings, and on a page of apps.
TOP_APPS, APPS_PER_PAGE = 10, 50
#: Models of an app that the chart shows.
SERIES = 9


@require_safe
@replica.reads
def rankings(request: PageRequest) -> HttpResponse:
    """Tokens by model, author, app or use, and the top apps."""
    by = request.GET.get("by", "")
    by = by if by in BY else "model"
    period = period_of(request.GET.get("period", ""))
    context = {
        "by": by,
        "word": BY[by][1],
        "tabs": [(value, tab, _query(by=value, period=period.name)) for value, (tab, _) in BY.items()],
        "period": period,
        "periods": [(each, _query(by=by, period=each.name)) for each in PERIODS.values()],
        "board": board_of(by, period),
        "top_apps": [] if by == "app" else top_apps(period, TOP_APPS),
        "counted_at": counted_at(),
    }
    return render(request, "activity/rankings/rankings.html", context)


@require_safe
@replica.reads
def apps(request: PageRequest) -> HttpResponse:
    """The apps by tokens or by growth, with a search. `url` leads to the app of that address."""
    if address := request.GET.get("url"):
        return redirect("activity:app", slug_of(address) or "unknown")
    period = period_of(request.GET.get("period", ""))
    group, sort = request.GET.get("category", ""), request.GET.get("sort", "")
    group, sort = group if group in CATEGORIES else "", sort if sort in SORTS else "popular"
    search = request.GET.get("q", "").strip()[:100]
    found = Standing.objects.filter(
        period=period.name, kind="app", rank__gt=0, app__blocked=False, app__merged_into=None
    ).select_related("app")
    if group:
        found = found.filter(app__in=of_categories(CATEGORIES[group]))
    if search:
        unnamed = Q(app__name="") & Q(app__sent_name__icontains=search)
        found = found.filter(Q(app__slug__icontains=search) | Q(app__name__icontains=search) | unnamed)
    found = found.filter(gain__gt=0).order_by("-gain", "rank") if sort == "trending" else found.order_by("rank")
    page = Paginator(found, APPS_PER_PAGE).get_page(request.GET.get("page"))
    state = {"period": period.name, "category": group, "sort": sort, "q": search}
    context = {
        "period": period,
        "periods": PERIODS.values(),
        "groups": CATEGORIES,
        "group": group,
        "sorts": SORTS,
        "sort": sort,
        "search": search,
        "page": page,
        "rows": [replace(row, rank=page.start_index() + at) for at, row in enumerate(rows_of(list(page.object_list)))],
        "newer": _query(**state, page=page.number - 1 if page.number > 2 else ""),
        "older": _query(**state, page=page.number + 1),
        "counted_at": counted_at(),
    }
    return render(request, "activity/rankings/apps.html", context)


@require_safe
@replica.reads
def app(request: PageRequest, address: str) -> HttpResponse:
    """One app: its models, and its tokens over time."""
    found = App.objects.select_related("merged_into").filter(slug=address).first()
    if found is not None and found.merged_into and not found.blocked:
        return redirect("activity:app", found.merged_into.slug)
    if found is None or found.blocked:
        raise Http404("No such app.")
    period = period_of(request.GET.get("period", ""))
    today = utc_now().date()
    rows = of_apps(app=found).exclude(model="")
    found_models = largest_first(totals(rows, ("model",), period.days, today))
    models = [replace(each, key=each.key[0]) for each in found_models]
    values = {key[0]: added for key, added in by_bucket(rows, ("model",), period, today).items()}
    largest = sorted(values, key=lambda key: (-sum(values[key]), key))[:SERIES]
    chart = chart_of(period, today, values, {key: key for key in largest})
    total = Totals(None)
    for each in models:
        total.add(each)
    context = {
        "app": found,
        "used_for": USES.get(found.used_for, ""),
        "models": len(models),
        "period": period,
        "periods": [(each, _query(period=each.name)) for each in PERIODS.values()],
        "rows": model_rows(models, total, chart),
        "chart": chart,
        "total": total,
        "counted_at": counted_at(),
    }
    return render(request, "activity/rankings/app.html", context)


def _query(**state: Any) -> str:
    """Return a query string without defaults."""
    defaults = {"by": "model", "period": "week", "sort": "popular"}
    return urlencode({name: value for name, value in state.items() if value and defaults.get(name) != value})
