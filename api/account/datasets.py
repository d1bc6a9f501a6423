"""`/api/v1/datasets`: the public rankings of models and apps as data."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query, Router

from activity.models import CATEGORIES, App
from activity.rankings.tables import datasets
from activity.rankings.tables.boards import counted_at
from activity.rankings.tables.leaders import leaders
from api.account.schemas import datasets as schemas
from api.responses import KeyRequest, json_response
from common.clock import utc_now, window_start
from common.errors import InvalidRequest
from common.limits import windows
from common.storage import replica
from keys.authentication import KeyIdentity

router = Router(tags=["Datasets"])

#: The first day of the datasets, and the most days of an answer.
EPOCH = date(2025, 1, 1)
MOST_DAYS = 366
DAY = timedelta(days=1)
#: Requests of a key in a minute, and of an organization in a UTC day.
PER_MINUTE, PER_DAY = 30, 500


@router.get(
    "/datasets/rankings-daily",
    response={200: schemas.RankingsDaily, 429: None},
    operation_id="getRankingsDaily",
    summary="Get daily token totals of the top 50 models",
)
@replica.reads
def get_rankings_daily(  # noqa: PLR0913 each is a parameter of the query string
    request: KeyRequest,
    start_date: str = "",
    end_date: str = "",
    period: Literal["day", "week", "month"] = "day",
    modality: Literal["text", "image", "image_output", "audio", "tool_calling"] | None = None,
    context_bucket: Literal["1K", "10K", "100K", "1M", "10M"] | None = None,
    category: schemas.Category | None = None,
    language_type: Literal["natural", "programming"] | None = None,
) -> HttpResponse:
    """Return prompt and completion tokens by date and model: oldest date first, then most tokens, `other` last.

    The dates are UTC days, or the first days of weeks (Mondays) or months. By default they are the last 30 days that
    are over. `category` counts requests with that use: it is found in their text if their account has agreed to that,
    and else follows from their app. `modality` counts all tokens of models that have it, and `context_bucket` requests
    whose prompts have at most that many tokens and more than the bucket before; it has days that are over, and cannot
    be combined with `category`. The language of requests is not known: `language_type` is a 400.
    """
    _count(request.auth)
    if language_type:
        raise InvalidRequest("language_type: this site doesn't know it of requests. Leave it out.")
    if context_bucket and category:
        raise InvalidRequest("context_bucket can't be combined with category. Leave one out.")
    start, end = _days(start_date, end_date)
    found = datasets.models_by_date(
        period, start, end, modality=modality or "", use=category or "", context=context_bucket or ""
    )
    rows = [
        {"date": f"{row.day:%Y-%m-%d}", "model_permaslug": row.permaslug, "total_tokens": str(row.tokens)}
        for row in found
    ]
    return json_response({"data": rows, "meta": _meta(start, end)})


@router.get(
    "/datasets/app-rankings",
    response={200: schemas.AppRankings, 429: None},
    operation_id="getAppRankings",
    summary="Get the top apps by tokens",
)
@replica.reads
def get_app_rankings(  # noqa: PLR0913 each is a parameter of the query string
    request: KeyRequest,
    category: Literal["coding", "creative", "productivity", "entertainment"] | None = None,
    subcategory: schemas.Subcategory | None = None,
    sort: Literal["popular", "trending"] = "popular",
    start_date: str = "",
    end_date: str = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int | None, Query(ge=0, le=100)] = 0,
) -> HttpResponse:
    """Return apps with their tokens and requests, ranked among those of the category. Dates as in rankings-daily.

    `trending` ranks by how much more tokens an app has than in the mean of the three equally long periods before.
    """
    _count(request.auth)
    start, end = _days(start_date, end_date)
    if category and subcategory and subcategory not in CATEGORIES[category]:
        raise InvalidRequest(f"subcategory: {subcategory} is not part of {category}.")
    categories = (subcategory,) if subcategory else CATEGORIES.get(category or "", ())
    found = leaders(start, end, sort, categories)
    first = offset or 0
    page = found[first : first + limit]
    apps = App.objects.in_bulk([each.key for each in page])
    rows = [
        {
            "rank": rank,
            "app_id": each.key,
            "app_name": apps[each.key].title,
            "total_tokens": str(each.tokens),
            "total_requests": each.requests,
        }
        for rank, each in enumerate(page, first + 1)
    ]
    return json_response({"data": rows, "meta": _meta(start, end)})


def _days(start_text: str, end_text: str) -> tuple[date, date]:
    """Return the first and last day. Raises InvalidRequest."""
    today = utc_now().date()
    end = _day("end_date", end_text) or today - DAY
    start = _day("start_date", start_text) or end - 29 * DAY
    if not EPOCH <= end <= today:
        raise InvalidRequest(f"end_date must be a day from {EPOCH} to today (UTC).")
    start = max(start, EPOCH)
    if not timedelta() <= end - start < MOST_DAYS * DAY:
        raise InvalidRequest(f"start_date must be at most {MOST_DAYS - 1} days before end_date, and not after it.")
    return start, end


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise InvalidRequest(f"{name} must look like 2026-01-31.") from error


def _meta(start: date, end: date) -> dict[str, Any]:
    as_of = (counted_at() or utc_now()).astimezone(UTC)
    return {"as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}", "version": "v1", "start_date": f"{start}", "end_date": f"{end}"}


def _count(identity: KeyIdentity) -> None:
    """Count a request toward the limits. Raises RateLimited."""
    now = utc_now()
    minute, day = now.replace(second=0, microsecond=0), window_start("daily", now)
    refusal = "Rate limit exceeded: {} requests per {} on datasets."
    windows.count(
        f"datasets:key:{identity.key_id}:{minute:%Y%m%d%H%M}", PER_MINUTE, ends=minute + timedelta(minutes=1), now=now,
        refusal=refusal.format(PER_MINUTE, "minute per key"),
    )  # fmt: skip
    windows.count(
        f"datasets:organization:{identity.organisation_id}:{day:%Y%m%d}", PER_DAY, ends=day + DAY, now=now,
        refusal=refusal.format(PER_DAY, "day per account"),
    )  # fmt: skip
