"""The clock's look at models that retire: accounts that used one lately are told by email, 30 and 7 days ahead."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from billing.models import CreditAccount
from billing.notifications import alerts
from billing.notifications.alerts import Retiring
from common.clock import utc_now
from common.telemetry.jobs import Parts
from gateway.models import UsageHour
from models_catalog import catalog
from models_catalog.models import Model

__all__ = ["alert_all"]

logger = logging.getLogger(__name__)

#: An account that has used a model within this time is told.
USED_WITHIN = timedelta(days=30)


def alert_all() -> int:
    """Store the emails about models that retire soon, each once. Return the number of accounts that get some.

    A failure does not keep the others from their emails. Raises JobFailed at the end.
    """
    now = utc_now()
    sent, parts = 0, Parts(logger)
    for account_id, users in _users_of(_retiring(now), now).items():
        account = CreditAccount.objects.select_related("organisation").get(pk=account_id)
        with parts.part("account %s not told of retiring models, next try tomorrow", account_id):
            sent += alerts.alert_retiring(account, users, now.date())
    parts.end()
    return sent


def _retiring(now: datetime) -> dict[str, Retiring]:
    """Return the models, by ID, that retire soon enough to be told."""
    today = now.date()
    soon = Model.objects.filter(expires_on__gt=today, expires_on__lte=today + max(alerts.NOTICE_TIMES))
    offered = catalog.current()
    return {
        model.id: Retiring(id=model.id, name=model.name, day=day, successor=offered.successor_of(model.id, gone_by=day))
        for model in soon
        if (day := model.expires_on)
    }


def _users_of(models: dict[str, Retiring], now: datetime) -> dict[int, dict[Retiring, set[int]]]:
    """Return for each account that used some of these models lately the users of each."""
    found: dict[int, dict[Retiring, set[int]]] = defaultdict(lambda: defaultdict(set))
    if models:
        used = UsageHour.objects.filter(model__in=models, hour__gte=now - USED_WITHIN)
        for account_id, model, user_id in used.values_list("account", "model", "user_id").distinct():
            found[account_id][models[model]].add(user_id)
    return found
