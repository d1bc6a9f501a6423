"""The chat without a network: what the service worker is told to keep, and that none of it is a user's."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from openrouter_site.pages import offline

WORKER, SHELL = reverse("chat-worker"), reverse("chat-shell")


@pytest.fixture(autouse=True)
def _nothing_kept():
    offline._worker.cache_clear()
    yield
    offline._worker.cache_clear()


def release_of(client: Client) -> dict[str, Any]:
    text = client.get(WORKER).content.decode()
    found = re.match(r"const RELEASE = (\{.*\});\n", text)
    assert found
    release: dict[str, Any] = json.loads(found[1])
    return release


@pytest.mark.django_db
def test_the_worker_has_the_type_and_the_headers_that_browsers_ask_for(alice_client: Client):
    response = alice_client.get(WORKER)
    assert response.status_code == 200 and WORKER.count("/") == 1  # at the root: its scope may be any page
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"
    assert response["Service-Worker-Allowed"] == "/chat"
    assert "connect-src 'self'" in response["Content-Security-Policy"]  # what the worker may load
    assert not response.cookies and "Cookie" not in response.get("Vary", "")


def test_the_worker_keeps_every_file_of_the_shell_and_nothing_of_the_api():
    client = Client()
    kept = set(release_of(client)["files"])
    page = client.get(SHELL).content.decode()
    named = set(re.findall(r'"(/static/[^"]+)"', page)) - {"/static/img/icon-apple-180.png"}
    assert named and named <= kept
    for css in ("css/base.css", "css/chat.css", "css/chat-answers.css", "vendor/katex/katex.css"):
        text = Path(finders.find(css)).read_text()
        folder = Path("/static", css).parent
        fonts = {str(folder / font) for font in re.findall(r"url\(\"?([^)\"]+\.woff2)", text)}
        assert {re.sub(r"/\w+/\.\./", "/", font) for font in fonts} <= kept
    for url in kept:
        assert finders.find(url.removeprefix("/static/")), url


def test_a_changed_file_list_page_or_program_makes_a_new_worker(monkeypatch, settings, tmp_path):
    client = Client()
    first = release_of(client)["version"]
    assert release_of(client)["version"] == first

    def version() -> str:
        offline._worker.cache_clear()
        return str(release_of(client)["version"])

    assert version() == first
    settings.SITE_NAME = "Another name"
    renamed = version()
    monkeypatch.setattr(offline, "FILES", (*offline.FILES, "css/keys.css"))
    longer = version()
    monkeypatch.setattr(offline, "SOURCE", tmp_path / "worker.js")
    offline.SOURCE.write_text("// another program")
    assert len({first, renamed, longer, version()}) == 4


def test_files_without_hashes_are_never_taken_from_the_device_first(settings):
    assert release_of(Client())["hashed"] is True
    settings.DEBUG = True
    assert release_of(Client())["hashed"] is False


@pytest.mark.django_db
def test_the_shell_is_the_same_for_everybody_and_names_no_user(alice_client: Client, alice, account):
    visitor, member = Client().get(SHELL), alice_client.get(SHELL)
    assert visitor.content == member.content
    page = member.content.decode()
    for secret in (alice.email, alice.public_id, "csrfmiddlewaretoken", "csrf-token", "data-balance", "nonce-"):
        assert secret not in page
    assert not member.cookies and "Cookie" not in member.get("Vary", "")
    assert "/account/logout/" not in page and "Sign in</a>" not in page
    found = re.search(r'<script id="chat-setup" type="application/json">(.*?)</script>', page)
    assert found
    setup = json.loads(found[1])
    assert setup["user"] is None and setup["presets"] == [] and setup["models"] == []


@pytest.mark.django_db
def test_the_shell_uses_up_no_message_of_the_session(alice_client: Client):
    request = RequestFactory().get(SHELL)
    request.session = alice_client.session
    request._messages = storage = messages.storage.default_storage(request)
    messages.info(request, "Password changed.")
    resolve(SHELL).func(request)
    assert not storage.used


def test_the_shells_script_is_allowed_by_its_hash_alone():
    response = Client().get(SHELL)
    [script] = re.findall(r'<script type="importmap"[^>]*>(.*?)</script>', response.content.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["worker-src"] == policy["manifest-src"] == "'self'"
    assert policy["default-src"] == "'none'"


@pytest.mark.django_db
def test_pages_say_who_is_signed_in_so_that_the_device_forgets_the_last_one(alice_client: Client, alice, account):
    assert f'<meta name="member" content="{alice.public_id}">' in alice_client.get("/").content.decode()
    assert '<meta name="member" content="">' in Client().get("/").content.decode()
