"""Which key may call which operation: one table, and every operation of the management API is in it."""

import re

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import Organisation
from billing import spending
from broadcast.destinations import saving as destinations
from gateway import asgi
from guardrails import saving as guardrails
from keys import issuing
from keys.models import OwnProviderKey
from presets import saving
from presets.content import Content
from tests.accounts.organisations.conftest import acme, ada, add_member  # noqa: F401
from tests.activity.factory import make_request

from .described import document
from .responses import client_with

HOOK = {"url": "http://127.0.0.1:9/"}  # no public address, so nothing is sent
#: No key; a member's key and an admin's management key of the organization that owns the objects in the URLs; the two
#: kinds of keys of an outsider.
KEYS = ("none", "member", "management", "outsider", "outsider's management")
#: The statuses for `KEYS`, and the operations that answer them so. The body is an empty object: 400 says that a body
#: would be read.
TABLE = {
    "400 400 400 400 400": ("POST /auth/keys",),
    "401 400 400 400 400": (
        "POST /auth/keys/code",
        "POST /generation/feedback",
        "POST /presets/{slug}/chat/completions",
        "POST /presets/{slug}/messages",
        "POST /presets/{slug}/responses",
    ),
    "200 200 200 200 200": (
        "GET /models",
        "GET /embeddings/models",
        "GET /models/count",
        "GET /model/{author}/{slug}",
        "GET /models/{author}/{slug}",
        "GET /models/{author}/{slug}/endpoints",
        "GET /endpoints/zdr",
        "GET /providers",
    ),
    "401 200 200 200 200": (
        "GET /models/user",
        "GET /credits",
        "GET /key",
        "GET /auth/key",
        "GET /presets",
        "GET /datasets/rankings-daily",
        "GET /datasets/app-rankings",
    ),
    "410 410 410 410 410": ("POST /credits/coinbase",),
    "401 200 200 404 404": (
        "GET /generation",
        "GET /presets/{slug}",
        "GET /presets/{slug}/versions",
        "GET /presets/{slug}/versions/{version}",
    ),
    "401 403 404 404 404": ("GET /generation/content",),
    "401 403 200 403 200": (
        "GET /keys",
        "GET /byok",
        "GET /activity",
        "GET /analytics/meta",
        "GET /guardrails",
        "GET /guardrails/assignments/keys",
        "GET /guardrails/assignments/members",
        "GET /observability/destinations",
    ),
    "401 403 400 403 400": (
        "POST /keys",
        "POST /byok",
        "POST /analytics/query",
        "POST /guardrails",
        "POST /guardrails/{id}/assignments/keys",
        "POST /guardrails/{id}/assignments/keys/remove",
        "POST /guardrails/{id}/assignments/members",
        "POST /guardrails/{id}/assignments/members/remove",
        "POST /observability/destinations",
    ),
    "401 403 200 403 404": (
        "GET /keys/{hash}",
        "PATCH /keys/{hash}",
        "DELETE /keys/{hash}",
        "GET /byok/{id}",
        "PATCH /byok/{id}",
        "DELETE /byok/{id}",
        "POST /keys/{hash}/rotate",
        "GET /organization/members",
        "GET /guardrails/{id}",
        "PATCH /guardrails/{id}",
        "DELETE /guardrails/{id}",
        "GET /guardrails/{id}/assignments/keys",
        "GET /guardrails/{id}/assignments/members",
        "GET /observability/destinations/{id}",
        "PATCH /observability/destinations/{id}",
        "DELETE /observability/destinations/{id}",
        "POST /observability/destinations/{id}/test",
    ),
}


@pytest.fixture
def parameters(acme: Organisation, shop) -> dict[str, str]:  # noqa: F811
    """The IDs of objects of the organization, by the name of the parameter in a path."""
    owner = acme.memberships.get(role="admin").user
    key, _ = issuing.create(acme, owner, "App")
    saving.create(acme, owner, slug="support", name="Support", content=Content(config={}))
    generation = make_request(spending.account_of(acme), key=key, user=owner)
    guardrail = guardrails.create(acme, name="Team")
    provider_key = OwnProviderKey.objects.create(organisation=acme, provider="cheap", secret="x", label="...")
    return {
        "hash": key.hash,
        "slug": "support",
        "version": "1",
        "author": "acme",
        "generation": generation.id,
        "guardrail": str(guardrail.public_id),
        "provider_key": str(provider_key.public_id),
        "destination": str(destinations.create(acme, owner, "webhook", HOOK, name="Hook")[0].public_id),
    }


@pytest.fixture
def clients(acme, ada, charlie) -> dict[str, Client]:  # noqa: F811
    made = {
        "member": (acme, add_member(acme, "ben@example.com"), False),
        "management": (acme, ada, True),
        "outsider": (charlie.personal_organisation, charlie, False),
        "outsider's management": (charlie.personal_organisation, charlie, True),
    }
    return {"none": Client()} | {
        name: client_with(issuing.create(organisation, user, name, is_management=manages)[1])
        for name, (organisation, user, manages) in made.items()
    }


def answer(client: Client, method: str, url: str) -> str:
    """Return the status of the operation, which changes nothing."""
    with transaction.atomic():
        body = "" if method == "GET" else "{}"
        response = client.generic(method, url, body, content_type="application/json")
        transaction.set_rollback(True)
    return str(response.status_code)


def url_of(path: str, parameters: dict[str, str]) -> str:
    kind = {"/byok": "provider_key", "/observability": "destination"}.get(path[: path.find("/", 1)], "guardrail")
    parameters = parameters | {"id": parameters[kind]} | ({"slug": "small"} if "{author}" in path else {})
    url = "/api/v1" + re.sub(r"{(\w+)}", lambda found: parameters[found[1]], path)
    return f"{url}?id={parameters['generation']}" if "/generation" in path else url


def test_every_operation_answers_each_key_as_the_table_says(clients, parameters):
    expected = {operation: statuses for statuses, found in TABLE.items() for operation in found}
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document()["paths"].items()
        for method in methods
        if path not in asgi.PATHS
    }
    assert described == expected.keys(), "the table has every operation, and no other"
    found = {}
    for operation in expected:
        method, path = operation.split()
        url = url_of(path, parameters)
        found[operation] = " ".join(answer(clients[key], method, url) for key in KEYS)
    assert found == expected
