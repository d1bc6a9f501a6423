"""The names of apps, which are the titles that accounts send in X-Title, and their categories.

Only requests have titles. So the newest requests of an account that used an app today are read now and then, which an
index gives in order. Each account has one vote for an app's name.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time, timedelta

from django.db.models import Count

from activity.models import App, AppTitle
from common.clock import utc_now
from gateway.models import Generation

from .amounts import Account
from .apps.addresses import slug_of, title_of
from .apps.categories import agreed
from .counting import rank_again

__all__ = ["read_titles"]

#: A title is read again after this time.
AGE = timedelta(hours=1)
#: Accounts whose requests are read in one run, and requests of each.
MOST_ACCOUNTS, NEWEST = 100, 200


def read_titles(seen: Mapping[Account, Mapping[str, int]]) -> None:
    """Read the titles of these apps (slug to ID) that the accounts send, unless read lately, and name the apps."""
    now = utc_now()
    recent = set(AppTitle.objects.filter(read_at__gt=now - AGE).values_list("app_id", "organisation_id"))
    touched: set[int] = set()
    left = MOST_ACCOUNTS
    for account, apps in sorted(seen.items()):
        due = {slug: pk for slug, pk in apps.items() if (pk, account.organisation_id) not in recent}
        if not due or not left:
            continue
        left -= 1
        touched.update(due.values())
        sent = _sent(account.id, now)
        _save([_row(due[slug], account, sent[slug], now) for slug in due if slug in sent], ["title", "read_at"])
        _save([_row(due[slug], account, "", now) for slug in due if slug not in sent], ["read_at"])  # keeps its title
    _rename(touched)


def _row(app_id: int, account: Account, title: str, now: datetime) -> AppTitle:
    return AppTitle(app_id=app_id, organisation_id=account.organisation_id, title=title, read_at=now)


def _save(rows: Collection[AppTitle], fields: Collection[str]) -> None:
    unique = ["app", "organisation"]
    AppTitle.objects.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=fields)


def _sent(account_id: int, now: datetime) -> dict[str, str]:
    """Return the newest title by slug in the account's newest requests of the day; empty where none can be shown."""
    today = datetime.combine(now.date(), time(), UTC)
    newest = Generation.objects.filter(account=account_id, created_at__gte=today).order_by("-created_at", "-id")
    titles: dict[str, str] = {}
    for app, title in newest.values_list("app", "app_title")[:NEWEST]:
        if app and (slug := slug_of(app)):
            titles[slug] = titles.get(slug) or title_of(title, slug)
    return titles


def _rename(app_ids: Collection[int]) -> None:
    """Name apps by the title that most accounts send, with their categories. A verified app's name is its own."""
    votes = AppTitle.objects.filter(app__in=app_ids).exclude(title="")
    votes = votes.exclude(organisation__privacy__show_apps_in_rankings=False)
    counts: dict[int, dict[str, int]] = {}
    for app_id, title, count in votes.order_by().values_list("app", "title").annotate(votes=Count("pk")):
        counts.setdefault(app_id, {})[title] = count
    taken = {app.title.casefold(): app.pk for app in App.objects.filter(verified=True)} if counts else {}
    changed = []
    apps = list(App.objects.filter(pk__in=app_ids))
    categories = agreed(apps)
    for app in apps:
        mine = {
            title: count
            for title, count in counts.get(app.pk, {}).items()
            if taken.get(title.casefold(), app.pk) == app.pk
        }
        name = max(mine, key=lambda title: (mine[title], title == app.sent_name, title), default="")
        described = name, categories.get(app.slug, [])
        if described != (app.sent_name, app.sent_categories):
            app.sent_name, app.sent_categories = described
            changed.append(app)
    App.objects.bulk_update(changed, ["sent_name", "sent_categories"], batch_size=200)
    if changed:
        rank_again()
