"""Pages of own provider keys: adding with a test, order, restrictions, disabling, deleting; encryption at rest."""

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError

from common import encryption
from gateway.providers.checking import Finding
from keys import issuing
from keys.models import OwnProviderKey
from keys.provider_keys import changing, directory, readability
from keys.provider_keys.using import OwnKey
from openrouter_site.serving import startup
from tests.accounts.organisations.conftest import acme, ada, add_member, client_in  # noqa: F401

URL = "/settings/provider-keys"
SECRET = "sk-host-0123456789-tail"


class Known:
    """Two providers; a test finds what the test of this module says."""

    finding = Finding(True, "Host accepted the key and lists 3 models.")

    def __init__(self, real: directory.Directory):
        self.real = real
        self.tested: list[tuple[str, str]] = []

    def providers(self):
        return {"host": "Host", "openai": "OpenAI"}

    def share(self, organisation):
        return self.real.share(organisation)

    def test(self, provider, secret):
        self.tested.append((provider, secret))
        return self.finding


@pytest.fixture(autouse=True)
def known(monkeypatch) -> Known:
    known = Known(directory.current())
    monkeypatch.setattr(directory, "_directory", known)
    return known


def post(client, path="/add", **data):
    return client.post(f"{URL}{path}", {"provider": "host", "secret": SECRET, "use": "first"} | data, follow=True)


def text(response) -> str:
    return response.content.decode()


def only() -> OwnProviderKey:
    return OwnProviderKey.objects.get(deleted_at=None)


def test_the_page_begins_with_what_it_is_for(alice_client):
    html = text(alice_client.get(URL))
    assert "No provider keys yet" in html and "1,000,000 requests" in html and f"{URL}/add" in html


def test_a_key_is_tested_saved_encrypted_and_shown_by_its_tail(alice_client, known):
    page = post(alice_client, secret=f" {SECRET}\r\n", name="Team account")
    assert known.tested == [("host", SECRET)]
    assert "Saved. Host accepted the key" in text(page) and "Team account" in text(page) and "...tail" in text(page)
    assert SECRET not in text(page) + str(OwnProviderKey.objects.values())
    assert encryption.decrypt(only().secret) == SECRET
    assert SECRET not in text(alice_client.get(f"{URL}/{only().public_id}"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret": "sk-with space"}, "spaces or line breaks inside"),
        ({"secret": "sk-ant-api03-abc", "provider": "openai"}, "belong to Anthropic"),
        ({"secret": "tgp_v1_abcdefghijkl", "provider": "openai"}, "belong to Together"),
        ({"secret": ""}, "This field is required"),
        ({"provider": "unknown"}, "not one of the available choices"),
        ({"models": "\n".join(f"acme/{n}" for n in range(101))}, "at most 100 models"),
    ],
)
def test_bad_input_is_named_and_never_repeated(alice_client, known, given, words):
    page = post(alice_client, **given)
    assert page.status_code == 422 and words in text(page)
    assert not OwnProviderKey.objects.exists() and not known.tested
    assert given.get("secret", SECRET) == "" or given.get("secret", SECRET) not in text(page)


def test_a_rejected_key_is_not_saved_and_an_unreachable_provider_does_not_hinder(alice_client, known):
    known.finding = Finding(False, "Host rejected the key (401).", is_rejected=True)
    page = post(alice_client)
    assert page.status_code == 422 and "rejected the key" in text(page) and not OwnProviderKey.objects.exists()
    known.finding = Finding(False, "Host didn't answer.")
    assert "Saved, but the test failed. Host didn&#x27;t answer." in text(post(alice_client))


@pytest.mark.parametrize("listed", ["acme/one:free", "acme/one", "acme/*"])
def test_a_key_for_a_model_or_an_author_is_used_for_no_other(listed):
    key = OwnKey(id=1, version=1, provider="alpha", secret="sk", models=frozenset({listed}))
    assert key.allows_model("acme/one:free") and not key.allows_model("acme-labs/one:free")
    assert not key.allows_model("acme/two") or listed == "acme/*"


def test_editing_keeps_the_secret_unless_there_is_a_new_one(alice_client, known, organisation, alice):
    post(alice_client)
    key, _ = issuing.create(organisation, alice, "App")
    path = f"/{only().public_id}"
    post(alice_client, path, secret="", use="always", models="acme/one, acme/two", api_keys=[key.hash])
    row = only()
    assert (row.always_use, row.is_fallback, row.secret_version) == (True, False, 1)
    assert (row.allowed_models, row.allowed_key_hashes) == (["acme/one", "acme/two"], [key.hash])
    page = post(alice_client, path, secret="sk-host-new-secret-9999", use="fallback")
    assert "restricted" not in text(page) and "Fallback" in text(page)
    assert (only().is_fallback, only().secret_version, only().label) == (True, 2, "...9999")
    assert [secret for _, secret in known.tested] == [SECRET, "sk-host-new-secret-9999"]


def test_the_order_is_shown_and_changed(alice_client):
    for secret in ("sk-host-number-1111", "sk-host-number-2222", "sk-host-number-3333"):
        post(alice_client, secret=secret, use="fallback" if secret.endswith("3333") else "first")
    html = text(alice_client.get(URL))
    places = [html.index(word) for word in ("...1111", "...2222", "Shared capacity", "...3333")]
    assert places == sorted(places)
    second = OwnProviderKey.objects.get(label="...2222")
    alice_client.post(f"{URL}/{second.public_id}/move", {"to": "up"})
    order = [key.label for key in OwnProviderKey.objects.all().order_by("position")]
    assert order == ["...2222", "...1111", "...3333"]
    alice_client.post(f"{URL}/{second.public_id}/move", {"to": "up"})  # it is the first
    assert [key.label for key in OwnProviderKey.objects.all().order_by("position")] == order


def test_it_is_disabled_tested_again_and_deleted_after_a_question(alice_client, known):
    post(alice_client)
    path = f"{URL}/{only().public_id}"
    assert "Disabled" in text(alice_client.post(f"{path}/switch", {"disabled": "on"}, follow=True))
    assert only().disabled
    assert "accepted the key" in text(alice_client.post(f"{path}/test", follow=True))
    assert "Delete this provider key?" in text(alice_client.get(f"{path}/delete"))
    assert "was deleted" in text(alice_client.post(f"{path}/delete", follow=True))
    assert OwnProviderKey.objects.get().secret == "" and alice_client.get(path).status_code == 404


def test_members_see_the_keys_and_cannot_change_them(acme, ada):  # noqa: F811
    changing.add(acme, ada, "host", SECRET)
    member = client_in(acme, add_member(acme, "ben@example.com"))
    html = text(member.get(URL))
    assert "...tail" in html and "Only admins of" in html and f"{URL}/add" not in html


def test_a_member_who_leaves_is_taken_off_the_lists(acme, ada):  # noqa: F811
    from accounts.organisations import members

    ben = add_member(acme, "ben@example.com")
    key = changing.add(acme, ada, "host", SECRET, allowed_user_ids=[ada.public_id, ben.public_id])
    members.remove(acme, ada, ben, None)
    key.refresh_from_db()
    assert key.allowed_user_ids == [ada.public_id]


def test_the_encryption_key_is_rotated_and_a_missing_one_is_reported_with_its_remedy(
    transactional_db, organisation, alice, settings, capsys, caplog
):
    settings.ENCRYPTION_KEYS = ["a former encryption key of the site"]
    changing.add(organisation, alice, "host", SECRET)
    settings.ENCRYPTION_KEYS = ["a newer encryption key of the site"]
    startup.report_unreadable_keys()
    assert "can't be decrypted. List the key" in caplog.text and SECRET not in caplog.text
    with pytest.raises(SystemCheckError, match="1 of the customers' own provider keys can't be decrypted"):
        call_command("check", databases=["default"])
    with pytest.raises(CommandError, match=r"host \.\.\.tail"):
        call_command("rotate_encryption")
    settings.ENCRYPTION_KEYS = ["a newer encryption key of the site", "a former encryption key of the site"]
    call_command("rotate_encryption")
    assert "Encrypted 1 own provider keys" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = ["a newer encryption key of the site"]
    assert encryption.decrypt(only().secret) == SECRET and readability.check_readable(["default"]) == []
