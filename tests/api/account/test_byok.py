"""`/api/v1/byok`: own provider keys, as OpenRouter's clients manage them."""

import logging

import pytest

from accounts.models import Organisation
from api.account.schemas import byok as schemas
from gateway.providers.checking import Finding
from keys import issuing
from keys.models import OwnProviderKey
from keys.provider_keys import directory
from models_catalog import catalog
from models_catalog.models import Provider
from tests.accounts.organisations.conftest import acme, ada, add_member  # noqa: F401
from tests.api.responses import client_with, has_shape
from tests.wire import check

pytestmark = pytest.mark.usefixtures("shop")

SECRET = "sk-host-0123456789-tail"
JSON = "application/json"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def host(shop) -> str:
    """A provider whose own address is known, and another."""
    slug, other = Provider.objects.filter(enabled=True).order_by("slug").values_list("slug", flat=True)[:2]
    Provider.objects.filter(slug__in=(slug, other)).update(base_url="https://provider.example/v1")
    catalog.touch()
    return slug


class Asked:
    """The real directory, with a provider that accepts every key and counts the tests."""

    def __init__(self, real: directory.Directory) -> None:
        self.real, self.tested = real, 0
        self.finding = Finding(True, "Host accepted the key and lists 3 models.")

    def __getattr__(self, name: str):
        return getattr(self.real, name)

    def test(self, provider, secret):
        self.tested += 1
        return self.finding


@pytest.fixture(autouse=True)
def asked(monkeypatch) -> Asked:
    asked = Asked(directory.current())
    monkeypatch.setattr(directory, "_directory", asked)
    return asked


def send(client, method, path="/byok", body=None, status=200):
    response = getattr(client, method)(f"/api/v1{path}", body, content_type="application/json")
    operation = f"{method.upper()} {'/byok/{id}' if path.count('/') > 1 else '/byok'}"
    check(operation, response.status_code, response.json())
    assert response.status_code == status, response.content
    return response.json().get("data", response.json())


def listed(client, query=""):
    response = client.get(f"/api/v1/byok{query}")
    check("GET /byok", response.status_code, response.json())
    return response.json()


def test_a_key_is_added_read_changed_and_deleted(manager, host, organisation: Organisation, caplog):
    caplog.set_level(logging.DEBUG)
    made = send(manager, "post", body={"provider": host, "key": f"  {SECRET}\n", "name": "Main"}, status=201)
    has_shape(schemas.ProviderKeyData, made)
    assert (made["label"], made["name"], made["workspace_id"]) == ("...tail", "Main", organisation.workspace_id)
    assert (made["sort_order"], made["is_fallback"], made["disabled"], made["allowed_models"]) == (
        0,
        False,
        False,
        None,
    )
    assert send(manager, "get", f"/byok/{made['id']}") == made
    assert listed(manager) == {"data": [made], "total_count": 1}
    changes = {"is_fallback": True, "name": None, "allowed_models": ["acme/small"], "key": "sk-host-another-9999"}
    changed = send(manager, "patch", f"/byok/{made['id']}", changes)
    assert (changed["is_fallback"], changed["name"], changed["allowed_models"]) == (True, None, ["acme/small"])
    assert changed["label"] == "...9999"
    assert send(manager, "patch", f"/byok/{made['id']}", {"allowed_models": None})["allowed_models"] is None
    assert send(manager, "delete", f"/byok/{made['id']}") == {"deleted": True}
    send(manager, "get", f"/byok/{made['id']}", status=404)
    row = OwnProviderKey.objects.get()
    assert row.secret == "" and row.deleted_at
    assert SECRET not in caplog.text and "another-9999" not in caplog.text


def test_shared_capacity_is_turned_off_for_a_key_or_for_its_models(manager, host):
    def modes(key):
        return key["is_required"], key["is_byok_only"], key["allowed_models"]

    made = send(manager, "post", body={"provider": host, "key": SECRET, "is_byok_only": True}, status=201)
    assert modes(made) == (True, True, None)
    path = f"/byok/{made['id']}"
    assert modes(send(manager, "patch", path, {"allowed_models": ["acme/small"]})) == (True, False, ["acme/small"])
    send(manager, "patch", path, {"is_byok_only": True}, status=400)
    assert modes(send(manager, "patch", path, {"is_byok_only": False})) == (True, False, ["acme/small"])
    assert modes(send(manager, "patch", path, {"allowed_models": None, "is_byok_only": False})) == (False, False, None)
    assert modes(send(manager, "patch", path, {"is_required": True})) == (True, True, None)
    assert OwnProviderKey.objects.get().always_use


def test_the_secret_is_encrypted_and_in_no_answer(manager, host):
    send(manager, "post", body={"provider": host, "key": SECRET}, status=201)
    assert SECRET not in str(OwnProviderKey.objects.values()) and SECRET not in str(listed(manager))


def test_keys_of_a_provider_are_in_order_and_lists_have_pages(manager, host):
    other = Provider.objects.exclude(slug=host).exclude(base_url="").order_by("slug").first().slug
    for provider, key in ((host, "first-key-1111"), (other, "other-key-2222"), (host, "second-key-333")):
        send(manager, "post", body={"provider": provider, "key": key}, status=201)
    assert [each["sort_order"] for each in listed(manager, f"?provider={host}")["data"]] == [0, 1]
    page = listed(manager, "?offset=1&limit=1")
    assert page["total_count"] == 3 and [each["label"] for each in page["data"]] == ["...-333"]
    assert listed(manager, "?provider=unknown") == {"data": [], "total_count": 0}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"provider": "unknown", "key": SECRET}, "Unknown provider"),
        ({"key": "sk-with space-inside"}, "spaces or line breaks inside"),
        ({"key": "sk-with\nline-break"}, "spaces or line breaks inside"),
        ({"key": "   "}, "Enter the provider's key"),
        ({"key": "sk-schlüssel-0001"}, "letters, digits and signs only"),
        ({"key": "sk-ant-api03-secret"}, "belong to Anthropic"),
        ({"key": "sk-or-v1-" + "0" * 64}, "belong to this site and OpenRouter"),
        ({"allowed_api_key_hashes": ["0" * 64]}, "1 that this account does not have"),
        ({"allowed_api_key_hashes": []}, "allowed_api_key_hashes"),
        ({"allowed_api_key_hashes": ["short"]}, "allowed_api_key_hashes"),
        ({"allowed_user_ids": ["user_unknown"]}, "1 that this account does not have"),
        ({"allowed_models": ["x"] * 101}, "allowed_models"),
        ({"allowed_models": ["bad\u0000name"]}, "no name or ID"),
        ({"disabled": None}, "disabled cannot be null"),
        ({"is_required": None}, "is_required cannot be null"),
        ({"is_required": True, "is_fallback": True}, "can't always be used"),
        ({"is_byok_only": True, "allowed_models": ["acme/small"]}, "is_byok_only is for every model"),
        ({"is_byok_only": True, "is_required": False}, "is_byok_only includes is_required"),
        ({"name": "x" * 256}, "name"),
        ({"workspace_id": NOWHERE}, "workspace_id"),
    ],
)
def test_bad_input_is_refused_in_words_without_the_key(manager, host, body, words):
    response = manager.post("/api/v1/byok", {"provider": host, "key": SECRET} | body, content_type="application/json")
    assert response.status_code == 400 and words in response.json()["error"]["message"]
    assert SECRET not in response.content.decode() and str(body.get("key", "-")).strip() not in response.json()
    assert not OwnProviderKey.objects.exists()


def test_the_same_key_is_not_added_twice(manager, host):
    send(manager, "post", body={"provider": host, "key": SECRET}, status=201)
    send(manager, "post", body={"provider": host, "key": SECRET}, status=400)
    assert OwnProviderKey.objects.count() == 1


def test_filters_name_live_keys_and_members_of_the_account(manager, host, api, alice, organisation):
    key, _ = issuing.create(organisation, alice, "App")
    body = {
        "provider": host,
        "key": SECRET,
        "allowed_api_key_hashes": [key.hash],
        "allowed_user_ids": [alice.public_id],
    }
    made = send(manager, "post", body=body, status=201)
    assert (made["allowed_api_key_hashes"], made["allowed_user_ids"]) == ([key.hash], [alice.public_id])
    issuing.delete(key)
    send(manager, "patch", f"/byok/{made['id']}", {"allowed_api_key_hashes": [key.hash]}, status=400)


def test_keys_of_others_do_not_exist(manager, host, charlie):
    made = send(manager, "post", body={"provider": host, "key": SECRET}, status=201)
    foreign = client_with(issuing.create(charlie.personal_organisation, charlie, "Theirs", is_management=True)[1])
    for path in (f"/byok/{made['id']}", "/byok/nonsense", f"/byok/{NOWHERE}"):
        for method in ("get", "patch", "delete"):
            send(foreign, method, path, {} if method == "patch" else None, status=404)
    assert OwnProviderKey.objects.of(made and OwnProviderKey.objects.get().organisation).count() == 1


def test_a_key_is_tested_when_it_is_saved_and_refused_only_if_its_provider_rejects_it(manager, host, asked):
    def post(status, **body):
        response = manager.post("/api/v1/byok", {"provider": host, "key": SECRET} | body, content_type=JSON)
        assert response.status_code == status, response.content
        return response.json()

    asked.finding = Finding(False, "Host rejected the key (401).", is_rejected=True)
    assert post(400)["error"]["message"] == "Host rejected the key (401). It was not saved."
    assert not OwnProviderKey.objects.exists()
    for spoiled in ("two words", "two\nlines", "sk-ant-of-another-provider"):
        post(400, key=spoiled)
    assert asked.tested == 1  # what is plainly wrong is not sent anywhere
    asked.finding = Finding(False, "Couldn't connect to Host.")
    made = post(201)
    assert made["test"] == {"works": False, "message": "Couldn't connect to Host."}
    asked.finding = Finding(False, "Host rejected the key (403).", is_rejected=True)
    address = f"/byok/{made['data']['id']}"
    assert (
        "rejected the key (403)"
        in send(manager, "patch", address, {"key": "sk-another"}, status=400)["error"]["message"]
    )
    assert OwnProviderKey.objects.get().secret_version == 1
    assert "test" not in manager.patch(f"/api/v1{address}", {"name": "Main"}, content_type=JSON).json()
