"""The default model: chosen by an admin among the models that exist."""

import pytest

from models_catalog.loading import bundled

URL = "/settings/preferences"


@pytest.fixture(autouse=True)
def catalogue(db) -> None:
    bundled.load_bundled()


def test_an_admin_chooses_the_default_model(alice_client, organisation):
    assert alice_client.post(URL, {"default_model": " openai/gpt-4o "}).status_code == 302
    organisation.refresh_from_db()
    assert organisation.default_model == "openai/gpt-4o"
    assert b'value="openai/gpt-4o"' in alice_client.get(URL).content
    alice_client.post(URL, {"default_model": ""})
    organisation.refresh_from_db()
    assert organisation.default_model == ""


def test_a_model_that_does_not_exist_is_refused_and_what_was_typed_stays(alice_client, organisation):
    answer = alice_client.post(URL, {"default_model": "<b>none"})
    assert answer.status_code == 422
    assert b"Model not found" in answer.content
    assert b"&lt;b&gt;none" in answer.content
    organisation.refresh_from_db()
    assert organisation.default_model == ""


def test_a_member_reads_and_an_outsider_sees_their_own(bob_client, charlie_client, organisation):
    organisation.default_model = "openai/gpt-4o"
    organisation.save()
    assert b"Only admins of" in bob_client.get(URL).content
    assert bob_client.post(URL, {"default_model": ""}).status_code == 403
    assert b"openai/gpt-4o" not in charlie_client.get(URL).content.replace(b'<option value="openai/gpt-4o', b"")
