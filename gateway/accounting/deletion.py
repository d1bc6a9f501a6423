"""The requests of a deleted account: their times, models, tokens and costs stay; what names apps and people goes.

A running request writes its row when it ends, so this waits for the requests that are running and is then repeated.
"""

import csv
import gzip
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, F, Q, Sum
from django.db.models.functions import Cast

from accounts.deletion import erasing
from accounts.deletion.leaving import finishing
from accounts.models import AccountDeletion, Organisation, PrivacySettings
from accounts.organisations.signals import organisation_deleted
from billing.models import CreditAccount
from common.clock import window_start
from gateway.content import stored
from gateway.models import ClassifiedDay, Feedback, Generation, Hold, UsageDay, UsageHour, UsageMonth, UsageRollup
from gateway.models.usage import DIMENSIONS, SUMS

from . import exported

__all__ = ["connect_signals"]

log = logging.getLogger(__name__)

#: The columns of a request in which its program says who it is and for whom it asks, and what its prompt was about.
PERSONAL = ("app", "app_title", "user_agent", "external_user", "session_id", "use")
BATCH = 2_000
DAY = timedelta(days=1)

_OTHER_DIMENSIONS = tuple(name for name in DIMENSIONS if name != "app")
_ADDED = {f"sum_{name}": Cast(Sum(name), BigIntegerField()) for name in SUMS}


def connect_signals() -> None:
    """Take part in the deletion of accounts."""
    # They refer to the tombstone: the usage of an organization that lives on keeps a member without a name.
    erasing.keep(Generation, Hold)
    finishing.connect(_finish, dispatch_uid="gateway.deletion")
    organisation_deleted.connect(_on_organisation_deleted, dispatch_uid="gateway.organisation-deleted")


def _on_organisation_deleted(organisation: Organisation, **_: Any) -> None:
    """Delete what is stored of its prompts, and store nothing of the requests that still run."""
    PrivacySettings.objects.filter(organisation=organisation).update(log_for_discount=False)
    accounts = CreditAccount.objects.filter(organisation=organisation).values_list("pk", flat=True)
    stored.delete_all([*accounts])


def _finish(deletion: AccountDeletion, **_: Any) -> str:
    closed = CreditAccount.objects.filter(organisation__in=deletion.organisations.all())
    accounts = list(closed.order_by("pk").values_list("pk", flat=True))
    Feedback.objects.filter(Q(generation__account__in=accounts) | Q(generation__user=deletion.user_id)).delete()
    stored.delete_all(accounts)  # nothing is added: the consent went with the organization's settings
    _clear_requests(accounts)
    ClassifiedDay.objects.filter(account__in=accounts).delete()
    for account in accounts:
        while _clear_a_day(account):
            pass
        _forget_rollups(account)
    if Hold.objects.filter(account__in=accounts).exists():
        return "running requests"
    _clear_exports(accounts)
    return ""


def _clear_requests(accounts: Sequence[int]) -> None:
    requests = Generation.objects.filter(account__in=accounts)
    named = requests.exclude(**dict.fromkeys(PERSONAL, ""))
    while ids := list(named.values_list("pk", flat=True)[:BATCH]):
        requests.filter(pk__in=ids).update(**dict.fromkeys(PERSONAL, ""))
    requests.filter(requested_model__contains="@preset/").update(requested_model=F("model"))


@transaction.atomic
def _clear_a_day(account: int) -> bool:
    """Add up the hours of one day without their apps; False when no hour names an app."""
    CreditAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account)
    hours = UsageHour.objects.filter(account=account)
    first = hours.exclude(app="").order_by("hour").values_list("hour", flat=True).first()
    if first is None:
        return False
    day = window_start("daily", first)
    hours = hours.filter(hour__gte=day, hour__lt=day + DAY)
    rows = list(hours.order_by().values("hour", *_OTHER_DIMENSIONS).annotate(**_ADDED))
    hours.delete()
    UsageHour.objects.bulk_create(
        [
            UsageHour(
                account_id=account,
                hour=row["hour"],
                **{name: row[name] for name in _OTHER_DIMENSIONS},
                **{name: row[f"sum_{name}"] for name in SUMS},
            )
            for row in rows
        ],
        batch_size=1000,
    )
    return True


@transaction.atomic
def _forget_rollups(account: int) -> None:
    """Delete the sums by day and month if one names an app: the clock writes them again, from the hours."""
    CreditAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account)
    sums = (UsageDay.objects.filter(account=account), UsageMonth.objects.filter(account=account))
    if any(rows.exclude(app="").exists() for rows in sums):
        for rows in (*sums, UsageRollup.objects.filter(account=account)):
            rows.delete()


def _clear_exports(accounts: Collection[int]) -> None:
    """Clear the same columns of their requests in the files of months that were exported and dropped."""
    if settings.EXPORT_DIR:
        for path in sorted(Path(settings.EXPORT_DIR).glob("*.csv.gz")):
            _clear_export(path, {str(each) for each in accounts})


def _clear_export(path: Path, accounts: Collection[str]) -> None:
    rewritten = path.with_suffix(".part")
    try:
        if _write_cleared(path, rewritten, accounts):
            exported.publish(rewritten, path)
            log.info("%s was written again without the names of a deleted account", path.name)
    finally:
        rewritten.unlink(missing_ok=True)


def _write_cleared(path: Path, rewritten: Path, accounts: Collection[str]) -> bool:
    """Write the file without what it says about the accounts. Return whether it said something."""
    changed = False
    with gzip.open(path, "rt", newline="") as old, gzip.open(rewritten, "wt", newline="") as new:
        rows = csv.DictReader(old)
        writer = csv.DictWriter(new, rows.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if row.get("account_id") in accounts:
                said = [name for name in PERSONAL if row.get(name)]  # an old file may have fewer columns
                changed = changed or bool(said)
                row |= dict.fromkeys(said, "")
                if "@preset/" in row["requested_model"]:
                    row["requested_model"], changed = row["model"], True
            writer.writerow(row)
    return changed
