"""The categories of apps: those that accounts send in X-OpenRouter-Categories, where no operator has chosen any."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count

from activity.models import CATEGORIES, App, SentCategories
from gateway.steps import attribution

from .addresses import slug_of

__all__ = ["agreed", "connect", "save"]

#: Apps of an account whose categories are kept.
MOST_APPS = 100

_KNOWN = {each for group in CATEGORIES.values() for each in group}


def connect() -> None:
    """Save with every heartbeat of a process that serves requests."""
    from gateway.accounting.settlement import queue

    queue.on_heartbeat(save)


def save(_process_id: str, _now: datetime) -> None:
    """Keep what this process has collected. Categories that are not known are dropped."""
    sent: dict[tuple[int, str], list[str]] = defaultdict(list)
    for (organisation_id, app), categories in attribution.collect().items():
        if slug := slug_of(app):
            sent[organisation_id, slug] += [each for each in categories if each in _KNOWN]
    organisations = {organisation_id for organisation_id, _ in sent}
    rows = SentCategories.objects.filter(organisation__in=organisations)
    kept = Counter(dict(rows.order_by().values_list("organisation").annotate(Count("pk"))))
    stored = {
        (row.organisation_id, row.slug): row.categories for row in rows.filter(slug__in={slug for _, slug in sent})
    }
    changed = []
    for (organisation_id, slug), mine in sorted(sent.items()):
        known = stored.get((organisation_id, slug))
        merged = [*dict.fromkeys([*mine, *(known or ())])][: attribution.MOST_OF_APP]
        if set(merged) == set(known or ()) or (known is None and kept[organisation_id] >= MOST_APPS):
            continue
        kept[organisation_id] += known is None
        changed.append(SentCategories(organisation_id=organisation_id, slug=slug, categories=merged))
    SentCategories.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["organisation", "slug"], update_fields=["categories"]
    )


def agreed(apps: Iterable[App]) -> dict[str, list[str]]:
    """Return the categories of each app, by slug, that at least half of the accounts send that send any."""
    rows = SentCategories.objects.filter(slug__in=[app.slug for app in apps])
    rows = rows.exclude(organisation__privacy__show_apps_in_rankings=False)
    accounts: Counter[str] = Counter()
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for slug, categories in rows.values_list("slug", "categories"):
        accounts[slug] += 1
        votes[slug].update(categories)
    return {
        slug: sorted(each for each, count in mine.items() if count * 2 >= accounts[slug])[: attribution.MOST_OF_APP]
        for slug, mine in votes.items()
    }
