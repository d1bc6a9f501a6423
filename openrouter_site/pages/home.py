"""The home page: an overview for visitors, next steps for members."""

from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import User
from activity.requests.listing import recent
from activity.sums import rollups
from activity.sums.rollups import Stretch
from activity.usage import Sums
from billing import spending
from billing.models import CreditAccount
from common.clock import utc_now
from common.web.http import AuthedRequest, PageRequest
from gateway.models import Generation
from keys.models import ApiKey
from models_catalog import catalog

NEWEST = 6
RECENT = 5
SPENDING_DAYS = 30


@require_GET
def home(request: PageRequest) -> HttpResponse:
    """The landing page, or a member's home page."""
    if request.user.is_authenticated:
        return start(request)  # type: ignore[arg-type]
    return landing(request)


def landing(request: PageRequest) -> HttpResponse:
    """The landing page, with figures from the catalog."""
    catalogue = catalog.current()
    context = {
        "figures": figures(catalogue),
        "newest": [model for model in catalogue.models.values() if model.task == "chat"][:NEWEST],
        "sample_model": sample_model(catalogue),
    }
    return render(request, "home.html", context)


def start(request: AuthedRequest) -> HttpResponse:
    """A member's home page: next steps, balance and latest requests."""
    organisation = access.for_member(request)
    account = spending.account_of(organisation)
    catalogue = catalog.current()
    context = {
        "progress": progress(request.user, account),
        "refund_hours": settings.REFUND_WINDOW_HOURS,
        "address": EmailAddress.objects.filter(user=request.user).order_by("-primary").first(),
        "month": spent(account, SPENDING_DAYS),
        "days": SPENDING_DAYS,
        "recent": [(row, catalogue.find(row.model or row.requested_model)) for row in recent(account, RECENT)],
        "sample_model": organisation.default_model or sample_model(catalogue),
    }
    return render(request, "home_member.html", context)


@dataclass(frozen=True)
class Figures:
    """Counts of the catalog."""

    models: int
    providers: int
    free: int
    longest_context: int  # tokens


def figures(catalogue: catalog.Catalogue) -> Figures | None:
    """Return the figures of the landing page; None while the catalog is empty."""
    models = catalogue.models.values()
    if not models:
        return None
    return Figures(
        models=len(models),
        providers=len(frozenset().union(*(model.provider_slugs for model in models))),
        free=sum(model.is_free for model in models),
        longest_context=max(model.context_length for model in models),
    )


def sample_model(catalogue: catalog.Catalogue) -> str:
    """Return a model ID for code samples: the default model, or the newest."""
    if catalogue.find(settings.DEFAULT_MODEL):
        return settings.DEFAULT_MODEL
    return next(iter(catalogue.models), settings.DEFAULT_MODEL)


@dataclass(frozen=True)
class Progress:
    """The completed first steps. Granted credits don't count as bought."""

    verified: bool
    bought: bool
    chatted: bool
    has_key: bool

    @property
    def done(self) -> int:
        """The number of completed steps."""
        return sum((self.verified, self.bought, self.chatted, self.has_key))

    @property
    def complete(self) -> bool:
        return self.done == 4

    @property
    def next(self) -> str:
        """The first open step; empty if all are done."""
        return next((name for name in ("verified", "bought", "chatted", "has_key") if not getattr(self, name)), "")


def progress(user: User, account: CreditAccount) -> Progress:
    """Return the completed steps of a user and their current organization."""
    return Progress(
        verified=EmailAddress.objects.filter(user=user, verified=True).exists(),
        bought=account.purchased > 0,
        chatted=rollups.exists(account, source=Generation.Source.CHAT),
        has_key=ApiKey.objects.of(account.organisation).for_inference().exists(),
    )


def spent(account: CreditAccount, days: int) -> Sums:
    """Return requests and cost of the last `days` days."""
    now = utc_now()
    names = ("requests", "cost")
    month = Stretch.whole(account, now - timedelta(days=days), now + timedelta(hours=1))
    for _, _, sums in rollups.sums_by(month, rollups.rolled_until(account), names):
        return Sums(**dict(zip(names, sums, strict=True)))
    return Sums()
