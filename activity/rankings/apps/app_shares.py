"""The apps that accounts name in their requests, and how much of an account's tokens counts for an app."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time

from activity.models import App
from activity.rankings.amounts import Account, ModelUse, Tokens, Usage

__all__ = ["FREE_SHARE", "MOST_NEW_APPS", "apps_of", "count_apps"]

#: Tokens a day that any account can add to an app that no operator has verified.
FREE_SHARE = 10_000_000
#: Apps that an account can add to the rankings in a day.
MOST_NEW_APPS = 20


def count_apps(usage: Usage, apps: Mapping[str, App]) -> dict[tuple[int, str, str], Tokens]:
    """Return the tokens that count, by app, model and use; by app and use with the model "" as well."""
    by_app: dict[int, dict[Account, dict[ModelUse, Tokens]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Tokens))
    )
    for slug, accounts in usage.items():
        if app := apps.get(slug):
            for account, models in accounts.items():
                for key, tokens in models.items():
                    mine = by_app[app.pk][account]
                    mine[key] = mine[key].plus(tokens)
    verified = {app.pk for app in apps.values() if app.verified}
    found: dict[tuple[int, str, str], Tokens] = defaultdict(Tokens)
    for app_id, by_account in by_app.items():
        totals = {account: sum(tokens.total for tokens in models.values()) for account, models in by_account.items()}
        everything = sum(totals.values())
        for account, models in by_account.items():
            mine_in_all = totals[account]
            most = mine_in_all if app_id in verified else max(FREE_SHARE, everything - mine_in_all)
            for (model, use), tokens in models.items():
                counted = tokens.share(most, mine_in_all)
                for name in (model, ""):
                    found[app_id, name, use] = found[app_id, name, use].plus(counted)
    return found


def apps_of(usage: Usage, now: datetime) -> dict[str, App]:
    """Return the app that each slug's tokens count for, and save new ones.

    Slugs of blocked apps, and those beyond `MOST_NEW_APPS` of an account, have none.
    """
    known = _known(usage)
    today = datetime.combine(now.date(), time(), UTC)
    new: list[App] = []
    if unknown := [slug for slug in usage if slug not in known]:
        recent = App.objects.filter(found_at__gte=today, found_by__isnull=False).values_list("found_by", flat=True)
        added = Counter(recent)
        for slug in sorted(unknown, key=lambda slug: (-_total(usage[slug]), slug)):
            finder = max(usage[slug], key=lambda account: (_total({account: usage[slug][account]}), account.id))
            if added[finder.organisation_id] < MOST_NEW_APPS:
                added[finder.organisation_id] += 1
                new.append(App(slug=slug, found_by_id=finder.organisation_id, found_at=now))
    if new:
        App.objects.bulk_create(new, ignore_conflicts=True)  # another process may count as well
        known |= _known([app.slug for app in new])
    return {slug: target for slug, app in known.items() if not app.blocked and not (target := _target(app)).blocked}


def _known(slugs: Collection[str]) -> dict[str, App]:
    ordered = sorted(slugs)
    found: dict[str, App] = {}
    for at in range(0, len(ordered), 500):
        rows = App.objects.filter(slug__in=ordered[at : at + 500]).select_related("merged_into")
        found |= {app.slug: app for app in rows}
    return found


def _target(app: App) -> App:
    return app.merged_into or app


def _total(accounts: Mapping[Account, Mapping[ModelUse, Tokens]]) -> int:
    return sum(tokens.total for models in accounts.values() for tokens in models.values())
