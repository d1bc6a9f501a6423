"""The dashboard's filters, read from the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.utils.functional import cached_property

from accounts.models import Organisation
from billing import spending
from billing.models import CreditAccount
from gateway.models import Generation
from keys.models import ApiKey

from . import rollups
from .periods import DEFAULT, Period, period_named

__all__ = ["GROUPS", "MEASURES", "Filter", "filter_from"]

#: Dimensions of the chart: value of `by` in the query string, column of usage, label.
GROUPS = {
    "model": ("model", "Model"),
    "provider": ("provider", "Provider"),
    "key": ("key_id", "API key"),
    "member": ("user_id", "Member"),
    "app": ("app", "App"),
}
#: Measures of the chart.
MEASURES = {"spend": "Spend", "requests": "Requests", "tokens": "Tokens"}
#: Longest text that can match a column.
LONGEST = 200


@dataclass(frozen=True)
class Filter:
    """One view of an account's usage. Empty texts and a missing key don't restrict it."""

    account: CreditAccount
    now: datetime
    period_name: str = DEFAULT
    model: str = ""
    provider: str = ""
    key: ApiKey | None = None
    app: str = ""
    source: str = ""
    by: str = "model"
    show: str = "spend"
    zone: tzinfo = UTC

    @cached_property
    def period(self) -> Period:
        first = rollups.first_hour(self.account) if self.period_name == "all" else None
        return period_named(self.period_name, self.now, first, self.zone)

    @cached_property
    def rolled_until(self) -> datetime:
        """The end of the account's days that are added up, for all reads of this view."""
        return rollups.rolled_until(self.account)

    @cached_property
    def conditions(self) -> dict[str, object]:
        """The conditions that usage and Generation share, for `.filter(**conditions)`."""
        texts = {"model": self.model, "provider": self.provider, "app": self.app, "source": self.source}
        conditions: dict[str, object] = {name: text for name, text in texts.items() if text}
        if self.key is not None:
            conditions["key_id"] = self.key.pk
        return conditions

    def query(self, **changes: str) -> str:
        """Return the query string of this view with `changes`; defaults and empty values are omitted."""
        values = {
            "period": self.period_name if self.period_name != DEFAULT else "",
            "model": self.model,
            "provider": self.provider,
            "key": self.key.hash if self.key else "",
            "app": self.app,
            "source": self.source,
            "by": self.by if self.by != "model" else "",
            "show": self.show if self.show != "spend" else "",
        } | changes
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def query_unfiltered(self) -> str:
        """The query string of the same period without filters."""
        return self.everything().query()

    @property
    def query_all_time(self) -> str:
        """The query string of this view over all time."""
        return self.query(period="all")

    @property
    def query_of_logs(self) -> str:
        """The query string of the same requests in the logs."""
        time = "" if self.period_name == "all" else self.period_name
        return self.query(period="", by="", show="", time=time)

    def everything(self) -> "Filter":
        """The same period without filters."""
        return replace(self, model="", provider="", key=None, app="", source="")


def filter_from(query: QueryDict, organisation: Organisation, now: datetime) -> Filter:
    """Return the view of the query string. Invalid values are ignored; a key of another organization raises Http404."""
    by, show, source = (_text(query, name) for name in ("by", "show", "source"))
    period = _text(query, "period")
    return Filter(
        account=spending.account_of(organisation),
        now=now,
        period_name=period_named(period, now).name,
        model=_text(query, "model"),
        provider=_text(query, "provider"),
        key=_key(query, organisation),
        app=_text(query, "app"),
        source=source if source in Generation.Source.values else "",
        by=by if by in GROUPS else "model",
        show=show if show in MEASURES else "spend",
    )


def _text(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "").strip()
    return text if len(text) <= LONGEST and text.isprintable() else ""


def _key(query: Mapping[str, str], organisation: Organisation) -> ApiKey | None:
    key_hash = (query.get("key") or query.get("api_key_hash", "")).strip()
    if not key_hash:
        return None
    # Includes deleted keys: their history stays.
    key = ApiKey.objects.filter(organisation=organisation, hash=key_hash).first() if key_hash.isalnum() else None
    if key is None:
        raise Http404("No such key.")
    return key
