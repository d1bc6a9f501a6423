"""A person with rows in every table, and a search of all stores for what is left of them."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import redis
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from accounts.organisations import logging_consent
from activity.models import SavedView
from billing import allowance, spending
from billing.credits import promotions
from billing.models import AutoTopUp, CreditAccount, EmailChoice, Notice, ProviderEvent, Purchase, SavedCard
from billing.notifications import outbox
from billing.payments import auto_top_up, purchases
from billing.receipts import receipts
from broadcast.destinations import saving as destinations
from gateway.models import Feedback, StoredContent
from guardrails import saving as guardrails
from keys import issuing
from keys.models import ApiKey, AuthorizationCode, OwnProviderKey
from presets.models import Preset, PresetVersion
from tests.activity.factory import make_request, make_running
from tests.billing.stripe_sandbox import Sandbox, buy
from tests.conftest import make_user

NAME, EMAIL, OTHER_EMAIL = "Ada Zebrafinch", "ada.zebrafinch@example.com", "quartz.lantern@example.net"


@dataclass
class Person:
    """Ada, her personal account, and Shared Works, which she and Charlie run."""

    user: User
    personal: CreditAccount
    shared: CreditAccount
    api_key: str
    words: set[str]  # whatever tells of her

    @property
    def personal_id(self) -> int:
        return self.personal.organisation_id


def make_person(charlie: User, sandbox: Sandbox) -> Person:
    """Ada, with something of hers in every table that knows people."""
    user = make_user(EMAIL)
    User.objects.filter(pk=user.pk).update(name=NAME, time_zone="Pacific/Chatham")
    user.refresh_from_db()
    organisation = user.personal_organisation
    Organisation.objects.filter(pk=organisation.pk).update(name=NAME)
    user.emailaddress_set.create(email=OTHER_EMAIL, verified=True)
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Zebrafinch's phone"})
    RecoveryCodes.activate(user)
    shared = Organisation.objects.create(name="Shared Works")
    for member in (user, charlie):
        Membership.objects.create(organisation=shared, user=member, role=Membership.Role.ADMIN)
    allowance.grant(user, EMAIL)
    personal, common = spending.account_of(organisation), spending.account_of(shared)
    for account, name in ((personal, f"{NAME} Ltd"), (common, "Shared Works Ltd")):
        _buy(account, name, user, sandbox)
    _, secret = issuing.create(organisation, user, "Zebrafinch laptop", app="https://zebrafinch.example")
    issuing.create(organisation, user, "Zebrafinch manager", is_management=True)
    issuing.create(shared, user, "Zebrafinch at work")
    AuthorizationCode.objects.create(
        hash="c" * 64, organisation=organisation, user=user, app="https://zebrafinch.example", name="Zebrafinch's app"
    )
    for owner in (organisation, shared):
        OwnProviderKey.objects.create(
            organisation=owner, created_by=user, provider="openai", label="...9999", secret="sealed",
            name="Zebrafinch's account" if owner is organisation else "Ours", allowed_user_ids=[user.public_id],
            allowed_key_hashes=list(ApiKey.objects.filter(organisation=owner).values_list("hash", flat=True)),
        )  # fmt: skip
        SavedView.objects.create(organisation=owner, user=user, page="logs", name="Zebrafinch view", shared=True)
    _preset(organisation, user)
    hook = {"url": "https://zebrafinch.example.com"}
    destinations.create(organisation, user, "webhook", hook, name="Zebrafinch's server")
    guardrails.assign(guardrails.create(organisation, name="Zebrafinch's guardrail"), user, members=[user])
    guardrails.assign(guardrails.create(shared, name="Works"), user, members=[charlie, user])
    _requests(personal, user)
    promotions.create(promotions.Rules(cents=100, max_uses=1), operator=user, code="farewell")
    promotions.redeem(common, user, "farewell")
    _operator_log(user, personal)
    EmailChoice.objects.create(account=common, user=user, kind="weekly", covered_until=date(2026, 1, 1))
    Notice.objects.create(account=common, user=user, subject=f"For {NAME}", body="Hello", due_at=None)
    outbox.enqueue(personal, lambda _: ("Hello", f"Hello {NAME}"))
    cache.set(f"account:{personal.pk}", "no name", 60)
    for account in (personal, common):
        account.refresh_from_db()
    return Person(user, personal, common, secret, _words(user, organisation, personal, common))


def _buy(account: CreditAccount, name: str, user: User, sandbox: Sandbox) -> None:
    """A paid purchase with a saved card and a receipt, auto top-up, and a purchase whose page is open."""
    place = "1 Quartz Lantern Way" if NAME in name else "2 Common Street"
    receipts.save_details(account, name=name, address=place, tax_ids="ZEBRA-1" if NAME in name else "")
    purchase = buy(account, user, save_card=True)
    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    card = SavedCard.objects.get(account=account)
    auto_top_up.turn_on(
        account, user, card, auto_top_up.Terms(500, 1000, 10_000), ip="192.0.2.77", consent=f"{NAME} agrees."
    )
    for kind, thing in (("checkout.session.completed", purchase.provider_session), ("customer.created", "")):
        ProviderEvent.objects.create(
            provider="stripe", event_id=f"evt_{kind}_{account.pk}", type=kind, object_id=thing or "",
            customer_id=purchase.provider_customer, state="done",
        )  # fmt: skip
    buy(account, user, 2000)


def _preset(organisation: Organisation, user: User) -> None:
    preset = Preset.objects.create(organisation=organisation, created_by=user, slug="zebrafinch", name="Zebrafinch's")
    version = PresetVersion.objects.create(preset=preset, created_by=user, number=1, content="sealed")
    Preset.objects.filter(pk=preset.pk).update(designated_version=version)


def _requests(account: CreditAccount, user: User) -> None:
    key = ApiKey.objects.filter(organisation=account.organisation_id).order_by("pk").first()
    said = {
        "key_id": key.pk, "user_id": user.pk, "app_title": "Zebrafinch's diary", "user_agent": "zebrafinch/1.0",
        "external_user": EMAIL, "session_id": "zebrafinch-session", "requested_model": "@preset/zebrafinch",
    }  # fmt: skip
    first = make_request(account, app="https://zebrafinch.example", **said)
    make_request(account, app="https://diary.zebrafinch.example", **said)
    make_running(account, amount=50_000_000_000, **said)
    Feedback.give(first, "bad", "other", f"{NAME} did not like it")
    logging_consent.turn_on(account.organisation, user, 10_000, [])
    # What is stored is encrypted, so that no search finds it: here it is not.
    StoredContent.objects.create(
        generation=first, account=account, created_at=first.created_at, sealed=b"zebrafinch's prompt"
    )


def _operator_log(user: User, account: CreditAccount) -> None:
    operator = User.objects.create_superuser("operator@example.com")
    for row in (user, account, account.organisation):
        LogEntry.objects.log_actions(operator.pk, [row], CHANGE, f"Looked at {EMAIL}.", single_object=True)


def _words(user: User, organisation: Organisation, *accounts: CreditAccount) -> set[str]:
    words = {"zebrafinch", "quartz", "zebra-1", "192.0.2.77", "chatham", "ending in 4242"}
    words |= {EMAIL, OTHER_EMAIL, user.public_id.lower(), organisation.public_id.lower()}
    words |= {
        each.lower()
        for each in Purchase.objects.filter(account=accounts[0]).values_list("provider_customer", flat=True)
    }
    words |= {each.lower() for each in SavedCard.objects.values_list("provider_method", flat=True)}
    words |= set(ApiKey.objects.values_list("hash", flat=True))
    assert all(len(word) > 5 for word in words)
    return words


def places_with(words: set[str]) -> set[str]:
    """Every table, session, file and cache entry that has one of the words, in whatever case."""
    form = re.compile("|".join(map(re.escape, sorted(words))), re.IGNORECASE)
    return {f"{place}: {found[0]}" for place, text in _everything() if (found := form.search(text))}


def _everything() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield f"table {table}", repr(row)
    for session in Session.objects.all():
        yield "session", repr(session.get_decoded())
    for folder in filter(None, (settings.DATA_DIR, settings.EXPORT_DIR)):
        for path in Path(folder).rglob("*"):
            with suppress(OSError):
                yield f"file {path.name}", path.read_bytes().decode(errors="replace")
    yield from _cached()


def _cached() -> Iterator[tuple[str, str]]:
    if not settings.REDIS_URL:
        yield "cache", repr(getattr(cache, "_cache", {}))
        return
    client: Any = redis.Redis.from_url(settings.REDIS_URL)
    readers = {
        b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
        b"list": lambda name: client.lrange(name, 0, -1), b"zset": lambda name: client.zrange(name, 0, -1),
    }  # fmt: skip
    for name in client.scan_iter():
        yield "Redis", repr((name, readers[client.type(name)](name)))


def agreement_of(account: CreditAccount) -> AutoTopUp | None:
    return AutoTopUp.objects.filter(account=account).first()


def age(deletion: Any) -> None:
    """Let the next attempt to finish the deletion be due."""
    type(deletion).objects.filter(pk=deletion.pk).update(due_at=timezone.now())
