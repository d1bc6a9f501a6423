"""Which person may see which page: one table, and every URL is in it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Membership
from accounts.organisations import invitations, members
from activity.models import App, SavedView
from billing import spending
from billing.models import Purchase, Refund, SavedCard
from broadcast.destinations import saving as destinations
from common.clock import utc_now
from gateway.models import StoredContent
from guardrails import saving as guardrails
from keys import issuing
from keys.models import OwnProviderKey
from presets import saving
from presets.content import Content
from tests.accounts.organisations.conftest import add_member, client_in
from tests.activity.factory import make_request
from tests.conftest import make_user
from tests.models_catalog.conftest import bundled, bundled_rows, shop  # noqa: F401

#: Two admins and a member of an organization that owns the objects in the URLs; an outsider and a member of the staff,
#: each in their own account.
PEOPLE = ("anonymous", "owner", "admin", "member", "outsider", "staff")
HOOK = {"url": "http://127.0.0.1:9/"}  # no public address, so nothing is sent
#: Paths with tables of their own: the admin, the API, and the pages of a person's own sign-in.
ELSEWHERE = {"admin/", "api/v1/", "account/", "account/two-factor/", "account/connected/"}

#: The statuses for `PEOPLE`, and the pages that answer them so. "login": the visitor is led to sign in. Where the page
#: is only for posting, an empty form is posted: 4xx that is neither 403 nor 404 says that it would be read.
TABLE = {
    "200 200 200 200 200 200": (
        "",
        "terms",
        "privacy",
        "manifest.webmanifest",
        "chat-worker.js",
        "chat/shell",
        "account-deleted",
        "robots.txt",
        "models",
        "compare",
        "providers",
        "rankings",
        "apps",
        "apps/<path:address>",
        "request-builder",
        "docs/search",
        "docs/<path:slug>",
        "pricing",
        "support",
        "llms.txt",
        "llms-full.txt",
        "openapi.json",
        "sitemap.xml",
        "status",
        "provider/<str:slug>",
        "<author>",
        "<author>/<slug>",
    ),
    "login 200 200 200 200 200": (
        "settings/profile",
        "settings/privacy",
        "settings/privacy/lists",
        "settings/privacy/preview",
        "settings/privacy/logging",
        "settings/security",
        "settings/security/sessions",
        "settings/account",
        "settings/organization",
        "settings/keys",
        "settings/keys/create",
        "settings/connected-apps",
        "settings/provider-keys",
        "settings/observability",
        "settings/presets",
        "settings/presets/create",
        "settings/credits",
        "settings/credits/move",
        "settings/notifications",
        "chat",
        "chat/models",
        "activity",
        "activity/requests.csv",
        "activity/usage.csv",
        "activity/breakdown.csv",
        "activity/usage.pdf",
        "activity/reports/<month:name>",
        "activity/reports/<month:name>.pdf",
        "activity/views",
        "logs",
        "logs.csv",
        "logs/sessions.csv",
        "settings",
        "settings/preferences",
    ),
    "login 422 422 422 422 422": ("settings/organization/create",),
    "login 404 404 404 404 404": (
        "settings/organization/switch",
        "settings/connected-apps/disconnect",
        "settings/credits/return",
        "settings/credits/purchases/<uuid:purchase_id>/receipt",
        "settings/credits/purchases/<uuid:purchase_id>/receipt/complete",
        "activity/views/save",
        "account/resend-verification",
    ),
    "login 422 422 403 422 422": (
        "settings/organization/rename",
        "settings/organization/invite",
        "settings/credits/buy",
        "settings/credits/low-balance-alert",
        "settings/credits/redeem",
    ),
    "login 200 200 200 404 404": (
        "settings/organization/leave",
        "settings/presets/<slug:slug>",
        "settings/presets/<slug:slug>/edit",
        "activity/<generation_id:generation_id>",
    ),
    "login 200 200 403 404 404": (
        "settings/guardrails/<uuid:guardrail_id>",
        "settings/guardrails/<uuid:guardrail_id>/edit",
        "settings/guardrails/<uuid:guardrail_id>/delete",
        "settings/provider-keys/<uuid:public_id>",
        "settings/provider-keys/<uuid:public_id>/delete",
        "settings/observability/<uuid:destination_id>",
        "settings/observability/<uuid:destination_id>/edit",
        "settings/observability/<uuid:destination_id>/delete",
        "settings/observability/<uuid:destination_id>/secret",
        "activity/<generation_id:generation_id>/content/delete",
        "settings/organization/delete",
        "settings/organization/members/<str:user_id>/limit",
        "settings/organization/members/<str:user_id>/hand-over",
        "settings/organization/members/<str:user_id>/remove",
    ),
    "login 422 422 403 404 404": (
        "settings/organization/members/<str:user_id>/role",
        "settings/guardrails/<uuid:guardrail_id>/assign",
    ),
    "login 409 409 409 409 409": ("settings/organization/invitations/<int:invitation_id>/accept",),
    "login 409 409 403 409 409": ("settings/organization/invitations/<int:invitation_id>/resend",),
    "login 302 302 403 409 409": ("settings/organization/invitations/<int:invitation_id>/revoke",),
    "302 302 302 302 302 302": (
        "settings/organization-members",
        "settings/members",
        "keys",
        "keys/<key_hash:key_hash>",
        "settings/provisioning-keys",
        "settings/integrations",
        "credits",
        "theme",
        "docs",
        "docs/",
        "favicon.ico",
    ),
    "404 404 404 404 404 404": (
        "account/github/login/",  # they are not set up
        "account/github/login/callback/",
        "account/google/login/",
        "account/google/login/callback/",
        "invitations/<str:token>",
        "unsubscribe/<str:token>",
        "styleguide/",
        "<another base URL>",
    ),
    "login 200 200 404 404 404": (
        "settings/keys/<key_hash:key_hash>",
        "settings/keys/<key_hash:key_hash>/change",
        "settings/keys/<key_hash:key_hash>/rotate",
        "settings/keys/<key_hash:key_hash>/delete",
        "settings/credits/purchases/<uuid:purchase_id>",
        "settings/credits/purchases/<uuid:purchase_id>/refund",
        "settings/credits/refunds/<uuid:refund_id>",
    ),
    "login 302 302 404 404 404": (
        "settings/keys/<key_hash:key_hash>/switch",
        "settings/keys/<key_hash:key_hash>/end-grace",
        "settings/credits/purchases/<uuid:purchase_id>/cancel",
    ),
    "login 200 200 403 200 200": (
        "settings/guardrails",
        "settings/guardrails/create",
        "settings/management-keys",
        "settings/management-keys/create",
        "settings/provider-keys/add",
        "settings/observability/add/<str:kind>",
        "settings/credits/quote",
        "settings/credits/billing-details",
        "settings/credits/transactions.csv",
        "settings/privacy/logging/contents.jsonl",
        "settings/privacy/logging/delete",
        "settings/credits/auto-top-up",
        "settings/credits/auto-top-up/price",
    ),
    "login 400 400 400 400 400": ("auth",),
    "login 400 400 400 404 404": ("settings/presets/<slug:slug>/switch",),
    "login 302 302 302 404 404": (
        "settings/presets/<slug:slug>/duplicate",
        "settings/presets/<slug:slug>/versions/<int:number>/use",
    ),
    "login 302 302 403 302 302": (
        "settings/credits/low-balance-alert/off",
        "settings/privacy/logging/off",
        "settings/credits/auto-top-up/off",
        "settings/credits/cards/add",
    ),
    "login 302 302 302 302 302": (
        "settings/delete-account",
        "settings/security/sessions/end-others",
        "settings/credits/cards/return",
        "activity/reports",
        "settings/preferences/display",
    ),
    "login 302 302 403 404 404": (
        "settings/credits/cards/<int:card_id>/remove",
        "settings/guardrails/<uuid:guardrail_id>/unassign",
        "settings/observability/<uuid:destination_id>/test",
        "settings/observability/<uuid:destination_id>/resume",
        "settings/observability/<uuid:destination_id>/secret/stop-old",
        "settings/provider-keys/<uuid:public_id>/test",
        "settings/provider-keys/<uuid:public_id>/switch",
        "settings/provider-keys/<uuid:public_id>/move",
    ),
    "400 400 400 400 400 400": (
        "webhooks/stripe",
        "webhooks/coinbase",
    ),
    "401 400 400 400 404 404": ("chat/feedback/<str:generation_id>",),
    "login 302 404 404 404 404": ("activity/views/<str:view_id>", "settings/security/sessions/<int:pk>/end"),
    "login 200 404 404 404 404": (
        "activity/views/<str:view_id>/edit",
        "activity/views/<str:view_id>/delete",
    ),
    "301 301 301 301 301 301": ("models/compare", "models/<str:author>/<str:slug>"),
}


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Yield the path of each page, with the names of its parameters."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        path = before + re.sub(r"^\^|\$$|\\Z$", "", str(each.pattern))
        if isinstance(each, URLResolver):
            if path not in ELSEWHERE:
                yield from routes(each.url_patterns, path)
        elif isinstance(each, URLPattern):
            yield path


@pytest.fixture
def people(db, clock) -> dict[str, Client]:
    owner = make_user("owner@example.com")
    acme = members.create(owner, "Acme")
    admin = add_member(acme, "admin@example.com", Membership.Role.ADMIN)
    member = add_member(acme, "member@example.com")
    outsider, staff = make_user("outsider@example.com"), make_user("staff@example.com")
    staff.is_staff = True
    staff.save()
    chosen = {"owner": owner, "admin": admin, "member": member}
    alone = {"outsider": outsider, "staff": staff}
    return {
        "anonymous": Client(),
        **{name: client_in(acme, user) for name, user in chosen.items()},
        **{name: client_in(user.personal_organisation, user) for name, user in alone.items()},
    }


@pytest.fixture
def parameters(people, shop) -> dict[str, str]:  # noqa: F811
    """The IDs of objects of the organization, by the name of the parameter in a URL. All are the owner's."""
    membership = Membership.objects.select_related("user", "organisation").get(user__email="owner@example.com",
                                                                                organisation__name="Acme")  # fmt: skip
    owner, acme = membership.user, membership.organisation
    account = spending.account_of(acme)
    key, _ = issuing.create(acme, owner, "App")
    generation = make_request(account, key=key, user=owner)
    StoredContent.objects.create(generation=generation, account=account, created_at=utc_now(), sealed=b"")
    preset = saving.create(acme, owner, slug="support", name="Support", content=Content(config={}))
    invitation = invitations.invite(acme, owner, "guest@example.com", Membership.Role.MEMBER)
    purchase = Purchase.objects.create(
        account=account, user=owner, credit_cents=1000, fee_cents=80, fee_basis_points=550, state="expired"
    )
    refund = Refund.objects.create(
        purchase=purchase, user=owner, cents=1, credit_cents=0, state="failed", number="1-C001", provider="stripe"
    )
    card = SavedCard.objects.create(
        account=account, user=owner, provider_method="pm_1", brand="visa", last4="4242", exp_month=1, exp_year=2040
    )
    elsewhere = client_in(acme, owner)
    assert elsewhere.get("/settings/profile").status_code == 200  # which records its session
    session = UserSession.objects.get(session_key=elsewhere.session.session_key)
    provider_key = OwnProviderKey.objects.create(organisation=acme, provider="openai", secret="sealed", label="...")
    view = SavedView.objects.create(organisation=acme, user=owner, page="activity", name="Mine")
    return {
        "user_id": Membership.objects.get(user__email="member@example.com", organisation=acme).user.public_id,
        "invitation_id": str(invitation.pk),
        "token": "0" * 64,
        "key_hash": key.hash,
        "slug": preset.slug,
        "number": "1",
        "purchase_id": str(purchase.pk),
        "refund_id": str(refund.pk),
        "card_id": str(card.pk),
        "pk": str(session.pk),
        "generation_id": generation.id,
        "view_id": view.public_id,
        "guardrail_id": str(guardrails.create(acme, name="Team").public_id),
        "kind": "webhook",
        "destination_id": str(destinations.create(acme, owner, "webhook", HOOK, name="Hook")[0].public_id),
        "name": f"{utc_now():%Y-%m}",
        "author": "acme",
        "address": App.objects.create(slug="notes.example.com").slug,
        "public_id": str(provider_key.public_id),
    }


def name_of(route: str) -> str:
    """Return the route as the table writes it: those that are regular expressions are shortened."""
    if route.startswith("(?!"):
        return "<author>/<slug>" if "slug" in route else "<author>"
    return "<another base URL>" if route.startswith("(?:") else route


def url_of(route: str, parameters: dict[str, str]) -> str:
    if route in {"<author>/<slug>", "models/<str:author>/<str:slug>"}:
        return "/" + route.rpartition("<")[0].partition("<")[0] + "acme/small"
    if route in {"<author>", "provider/<str:slug>"}:
        return "/acme" if route == "<author>" else "/provider/alpha"
    if route == "docs/<path:slug>":
        return "/docs/quickstart"
    if route == "<another base URL>":
        return "/v1"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: parameters[found[1]], route)


def answer(client: Client, url: str) -> str:
    """Return what the client gets for the page, or for posting nothing where there is no page; it changes nothing."""
    with transaction.atomic():
        response = client.get(url)
        if response.status_code == 405:
            response = client.post(url)
        transaction.set_rollback(True)
    if response.status_code in {301, 302} and response["Location"].startswith("/account/login/"):
        return "login"
    return str(response.status_code)


def test_every_url_answers_each_person_as_the_table_says(people, parameters):
    expected = {route: statuses for statuses, found in TABLE.items() for route in found}
    known = {name_of(route) for route in routes()}
    assert known == expected.keys(), "the table has every URL, and no other"
    found = {
        route: " ".join(answer(people[person], url_of(route, parameters)) for person in PEOPLE) for route in expected
    }
    assert found == expected
