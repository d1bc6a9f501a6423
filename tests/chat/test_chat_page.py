"""The chatroom's page."""

import json
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from billing.models import CreditAccount
from chat.views import MOST_MODELS
from openrouter_site.browser_libraries import IMPORTS
from presets import saving
from presets.content import Content, sealed
from presets.models import PresetVersion


def setup_of(response) -> Any:
    found = re.search(r'<script id="chat-setup" type="application/json">(.*?)</script>', response.content.decode())
    assert found
    return json.loads(found[1])


def test_it_asks_visitors_to_sign_in(db):
    response = Client().get(reverse("chat:chat"))
    assert response.status_code == 302
    assert response["Location"] == "/account/login/?next=/chat"


def test_it_greets_a_member(alice_client, alice, account):
    response = alice_client.get("/chat")
    assert response.status_code == 200
    setup = setup_of(response)
    assert setup["user"] == alice.public_id
    assert setup["can_spend"] is True
    assert setup["models"] == []
    assert setup["default_model"] == "openai/gpt-4o-mini"


def test_it_takes_get_only(alice_client):
    assert alice_client.post("/chat").status_code == 405


def test_a_link_chooses_the_models(alice_client):
    setup = setup_of(alice_client.get("/chat?model=acme/one&model=acme/two%3Afree"))
    assert setup["models"] == ["acme/one", "acme/two:free"]
    setup = setup_of(alice_client.get("/chat?" + "&".join(f"model=m{n}" for n in range(9))))
    assert len(setup["models"]) == setup["most_models"] + 1 == 7  # by which the page knows that there were more


def test_an_import_takes_as_many_models_as_a_chat_has(settings):
    own = (settings.BASE_DIR / "static/js/chat/transfer/format-own.js").read_text()
    assert f"export const MOST_MODELS = {MOST_MODELS};" in own


def test_a_hostile_link_stays_text(alice_client):
    response = alice_client.get("/chat", {"model": "</script><script>alert(1)</script>"})
    assert b"<script>alert(1)" not in response.content
    assert setup_of(response)["models"] == ["</script><script>alert(1)</script>"]


def test_the_organisations_own_default_model_comes_first(alice_client, organisation):
    organisation.default_model = "acme/one"
    organisation.save()
    assert setup_of(alice_client.get("/chat"))["default_model"] == "acme/one"


def test_without_credits_it_says_so_and_where_to_get_some(alice_client):
    page = alice_client.get("/chat")
    assert setup_of(page)["can_spend"] is False
    notice = re.search(r'<div class="banner warn" id="no-credits"([^>]*)>', page.content.decode())
    assert notice and "hidden" not in notice[1]
    assert f'href="{reverse("billing:credits")}"' in page.content.decode()


def test_with_credits_the_notice_is_hidden(alice_client, account):
    notice = re.search(r'<div class="banner warn" id="no-credits"([^>]*)>', alice_client.get("/chat").content.decode())
    assert notice and "hidden" in notice[1]


def test_credits_that_are_held_cannot_be_spent(alice_client, account):
    CreditAccount.objects.filter(pk=account.pk).update(held=account.credits)
    assert setup_of(alice_client.get("/chat"))["can_spend"] is False


def test_it_says_whether_auto_top_up_refills_the_balance(alice_client, account):
    assert setup_of(alice_client.get("/chat"))["auto_top_up"] is False
    CreditAccount.objects.filter(pk=account.pk).update(auto_top_up_below=1)
    assert setup_of(alice_client.get("/chat"))["auto_top_up"] is True


def test_a_preset_says_which_models_it_uses_and_how_long_its_prompt_is(alice_client, organisation):
    polite = Content(system_prompt="Sei höflich.", config={"model": "acme/one", "models": ["acme/two"]})
    for name, stored in (
        ("Polite", sealed(polite)),
        ("Bare", sealed(Content(config={"temperature": 1}))),
        ("Lost", "encrypted with a key that is gone"),
    ):
        preset = saving.create(organisation, None, slug=name.lower(), name=name, content=Content())
        PresetVersion.objects.filter(preset=preset).update(content=stored)
    response = alice_client.get("/chat")
    assert setup_of(response)["presets"] == [
        {"id": "@preset/bare", "name": "Bare", "models": [], "system_bytes": 0},
        {"id": "@preset/lost", "name": "Lost", "models": [], "system_bytes": 0},
        {"id": "@preset/polite", "name": "Polite", "models": ["acme/one", "acme/two"], "system_bytes": 13},
    ]
    assert "höflich" not in response.content.decode()


def test_a_member_of_an_organisation_sees_its_credits(bob_client, account):
    assert setup_of(bob_client.get("/chat"))["can_spend"] is True


def test_every_module_of_the_chatroom_can_be_imported_by_name(alice_client, settings):
    folder = settings.BASE_DIR / "static/js"
    paths = list((folder / "chat").rglob("*.js"))
    modules = {path.relative_to(folder).with_suffix("").as_posix() for path in paths}
    assert modules
    assert modules <= IMPORTS.keys()
    imported = re.compile(r'(?:\}? from |^import |\bimport\()"([^"]+)"', re.MULTILINE)
    for path in paths:
        for name in imported.findall(path.read_text()):
            of_a_worker = name.startswith("./") and (path.parent / name).is_file()
            assert name in IMPORTS or of_a_worker, f"{path.name} imports {name}"


def test_the_page_obeys_its_own_content_policy(alice_client):
    text = alice_client.get("/chat").content.decode()
    assert " style=" not in text
    assert not re.search(r"\son[a-z]+=", text)
    assert len(re.findall(r"<h1[ >]", text)) == 1
