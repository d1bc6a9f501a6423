"""Operators enter, test and turn off providers' keys. A saved key is never shown again."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from common import encryption
from gateway.models import ProviderSpend
from gateway.routing import upstreams
from models_catalog import catalog
from models_catalog.models import Provider, ProviderKey
from scripts.serve import free_port
from tests.gateway import factory

SECRET = "sk-live-abcdefghijkl-9876"
LIST, ADD = "/admin/models_catalog/providerkey/", "/admin/models_catalog/providerkey/add/"


@pytest.fixture
def operator(db, settings) -> Client:
    settings.SANDBOX_PROVIDERS_URL = ""
    upstreams.clear()
    factory.endpoint(factory.model("acme/one"), "cheap", factory.CHEAP)
    Provider.objects.update(base_url="https://cheap.example/v1")
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    return client


def add(client: Client, key: str = SECRET, **fields) -> str:
    """Save a key and return the text of the page that follows."""
    form = {"provider": "cheap", "key": key, "name": "", "weight": "1", "enabled": "on"} | fields
    return client.post(ADD, form, follow=True).content.decode()


def change_page(key: ProviderKey) -> str:
    return f"{LIST}{key.pk}/change/"


def test_a_saved_key_is_encrypted_and_only_its_end_is_ever_shown(operator):
    page = add(operator, name="team")
    row = ProviderKey.objects.get()
    assert SECRET not in row.secret and encryption.decrypt(row.secret) == SECRET
    pages = [page, *(operator.get(path).content.decode() for path in (LIST, change_page(row), f"{row.pk}/history/"))]
    history = str(list(LogEntry.objects.values()))
    assert all(SECRET not in text and "abcdefghijkl" not in text for text in [*pages, history])
    assert "…9876" in pages[1] and "…9876" in pages[2]
    (endpoint,) = catalog.current().models["acme/one"].endpoints
    assert [key.id for key in endpoint.keys] == [row.pk]


def test_an_empty_field_keeps_the_saved_key_and_a_new_one_replaces_it(operator):
    add(operator)
    row = ProviderKey.objects.get()
    kept = {"key": "", "name": "renamed", "weight": "5", "enabled": "on"}
    assert operator.post(change_page(row), kept).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.weight, encryption.decrypt(row.secret)) == ("renamed", 5, SECRET)
    assert operator.post(change_page(row), kept | {"key": "sk-another-key-5555"}).status_code == 302
    row.refresh_from_db()
    assert (row.last_four, encryption.decrypt(row.secret)) == ("5555", "sk-another-key-5555")
    assert "5555" not in str(list(LogEntry.objects.values_list("change_message", flat=True)))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"key": "sk live"}, "Paste it without spaces"),
        ({"key": "schlüssel-mit-umlaut"}, "letters, digits and signs only"),
        ({"key": ""}, "This field is required"),
        ({"weight": "0"}, "greater than or equal to 1"),
        ({"weight": "101"}, "less than or equal to 100"),
    ],
)
def test_a_key_that_cannot_work_is_refused_without_repeating_it(operator, fields, complaint):
    page = add(operator, **fields)
    assert complaint in page
    assert not fields.get("key") or fields["key"] not in page
    assert not ProviderKey.objects.exists()


def test_the_same_key_cannot_be_added_twice(operator):
    add(operator)
    page = add(operator)
    assert "already has this key" in page and SECRET not in page
    assert ProviderKey.objects.count() == 1


def test_a_short_key_shows_nothing_of_itself(operator):
    add(operator, key="abcd1234")
    assert ProviderKey.objects.get().last_four == ""


def test_keys_are_turned_off_and_on_in_the_list(operator):
    add(operator)
    row = ProviderKey.objects.get()
    for action, enabled in (("turn_off", False), ("turn_on", True)):
        stamp = catalog.stamp()
        operator.post(LIST, {"action": action, "_selected_action": [row.pk]})
        row.refresh_from_db()
        assert row.enabled is enabled and catalog.stamp() > stamp
    assert [entry.change_message for entry in LogEntry.objects.all()[:2]] == ["Turned on.", "Turned off."]


def test_the_list_shows_spend_and_the_keys_of_the_environment(operator, monkeypatch):
    monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "sk-in-environment-env4")
    add(operator)
    row = ProviderKey.objects.get()
    for process, cost in (("a", 1_000_000_000_000), ("b", 250_000_000_001)):
        ProviderSpend.objects.create(
            provider="cheap", provider_key_id=row.pk, process_id=process, requests=2, cost=cost
        )
    ProviderSpend.objects.create(provider="cheap", provider_key_id=0, process_id="a", requests=7, cost=3_000_000)
    page = operator.get(LIST).content.decode()
    assert "$1.250000000001" in page and "PROVIDER_CHEAP_API_KEY" in page and "…env4" in page and "$0.000003" in page
    assert "sk-in-environment" not in page


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sk-good-enough-1111", "Cheap accepted the key and lists"),
        ("sk-it-is-so-invalid", "Cheap rejected the key (401). Check that it is complete and still active."),
    ],
)
def test_a_test_says_what_the_provider_answered(operator, provider_sandbox, key, said):
    Provider.objects.update(base_url=f"{provider_sandbox}/cheap/v1")
    page = add(operator, key=key, _test="Save and test")
    assert said in page and key not in page
    row = ProviderKey.objects.get()
    again = operator.post(LIST, {"action": "test", "_selected_action": [row.pk]}, follow=True).content.decode()
    assert said in again


def test_a_test_of_a_provider_without_a_list_of_models_asks_for_one_token(operator, provider_sandbox):
    Provider.objects.update(base_url=f"{provider_sandbox}/cheap/v1/../v1//")
    factory.endpoint(factory.model("acme/two"), "cheap", factory.CHEAP)
    Provider.objects.update(base_url=f"{provider_sandbox}/exa-native")
    assert "has no list of models (404)" in add(operator, _test="1")


def test_a_test_of_an_address_that_does_not_answer_says_so(operator):
    port = free_port()
    Provider.objects.update(base_url=f"http://127.0.0.1:{port}/v1")
    assert f"Couldn&#x27;t connect to Cheap at 127.0.0.1:{port}" in add(operator, _test="1")


def test_the_key_of_the_environment_can_be_tested(operator, provider_sandbox, monkeypatch):
    Provider.objects.update(base_url=f"{provider_sandbox}/cheap/v1")
    monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "sk-from-the-env-invalid")
    upstreams.clear()
    path = f"{LIST}environment/cheap/test/"
    assert "Cheap rejected the key (401)" in operator.post(path, follow=True).content.decode()
    assert operator.get(path).status_code == 405


def test_members_have_no_way_to_keys(operator, alice_client):
    add(operator)
    for path in (LIST, ADD, change_page(ProviderKey.objects.get()), f"{LIST}environment/cheap/test/"):
        assert alice_client.post(path).status_code in {302, 403}
    assert ProviderKey.objects.count() == 1


def test_keys_are_encrypted_anew_when_the_encryption_key_is_replaced(operator, settings):
    add(operator)  # with a key derived from SECRET_KEY
    settings.ENCRYPTION_KEYS = ["the new encryption key of this site"]
    out = StringIO()
    call_command("rotate_encryption", stdout=out)
    assert out.getvalue() == "Encrypted 1 keys with the newest key.\n"
    settings.SECRET_KEY = "another secret key, so that only the new one can read it"
    assert encryption.decrypt(ProviderKey.objects.get().secret) == SECRET
    settings.ENCRYPTION_KEYS = ["a third key that has never been used"]
    with pytest.raises(CommandError, match=r"can't be read. Enter them again in the admin: cheap …9876"):
        call_command("rotate_encryption", stdout=out)
    operator.force_login(User.objects.get())  # another SECRET_KEY ends the sessions
    assert "enter it again" in operator.get(LIST).content.decode()
