"""Prompts and answers are written down nowhere: not in a row, a log, a file, a queue, a cache or a mail. With logging
on, only encrypted.

Words that occur nowhere else go through every way in, well and badly, and are then looked for in every store of the
running site. The worker does not run, so that whatever is queued for it stays in the queue.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
import requests
from django.contrib.sessions.backends.db import SessionStore
from websockets import Origin
from websockets.sync.client import connect

from tests.browser.fixtures import stores
from tests.support.processes import Site, wait_until

SECRET = "zebrafinch-lantern-quartz"  # said to every model, and by every model ...
PIECE = "qzxvkwj"  # ... with a word that a stream keeps in one piece
CONTROL = "control-marmalade-orbit"  # given in a field that is meant to be stored
MODEL = "openai/gpt-4o-mini"
KEY = "k" * 43  # with which the chat's page has its answers kept
QUESTION = f"Say exactly: {SECRET} {PIECE}"


class Stores:
    """Everything in which the site could leave something."""

    END = "that is all"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.commands: list[str] = []  # everything that went through Redis, whether it is still there or not
        self._redis: redis.Redis | None = None
        if url := site.env["REDIS_URL"]:
            self._redis = redis.Redis.from_url(url, encoding_errors="replace", socket_timeout=None)
            listening = threading.Event()
            self._ear = threading.Thread(target=self._listen, args=(self._redis, listening), daemon=True)
            self._ear.start()
            assert listening.wait(60)

    def _listen(self, client: redis.Redis, listening: threading.Event) -> None:
        with client.monitor() as monitor:
            listening.set()
            for heard in monitor.listen():
                self.commands.append(heard["command"])
                if heard["command"] == f"ECHO {self.END}":
                    return

    def stop_listening(self) -> None:
        """Return once everything that was sent to Redis before has been heard."""
        if self._redis and self._ear.is_alive():
            self._redis.echo(self.END)
            self._ear.join(60)

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Where, and what is there."""
        for table in self.site.tables():
            for row in self.site.rows(f'SELECT * FROM "{table}"'):
                yield f"table {table}", repr(row).encode()
        for (data,) in self.site.rows("SELECT session_data FROM django_session"):
            yield "session", repr(SessionStore().decode(str(data))).encode()
        for path in self.site.folder.rglob("*"):
            # Logs (and in them, mails), the broker's queue, SQLite with what it has deleted.
            with suppress(FileNotFoundError, IsADirectoryError):  # gone in the meantime
                yield f"file {path.relative_to(self.site.folder)}", path.read_bytes()
        for command in self.commands:
            yield "Redis", command.encode()

    def holding(self, words: str) -> set[str]:
        """The places that hold the words, as they are or encoded as queues encode them."""
        forms = [words.encode(), words.encode().hex().encode()]
        for shift in range(3):  # in base64 a text has three shapes, by where it begins
            shape = base64.b64encode(b"\0" * shift + words.encode())
            forms.append(shape[4 if shift else 0 : -4])
        return {place for place, text in self.texts() if any(form in text for form in forms)}


@pytest.fixture(scope="module", params=["embedded", "production-like"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("privacy")
    processes = ("stripe", "providers", "web")
    settings = {"SANDBOX_PROVIDERS_SPEED": "0", "LOG_LEVEL": "DEBUG", "MAX_REQUEST_BYTES": "100000"}
    with Site(folder, processes=processes, **stores(request.param, second=True), **settings) as site:
        yield site


CLASSIFY = """
from accounts.models import PrivacySettings, User
organisation = User.objects.get(email="{email}").personal_organisation
PrivacySettings.objects.update_or_create(organisation=organisation, defaults={{"classify_requests": True}})
"""


def test_what_is_said_to_a_model_and_by_it_is_kept_nowhere(site: Site):
    account = json.loads(site.manage("demo_account", "--email", "quiet@example.com", "--json"))
    site.manage("shell", "--no-imports", "-c", CLASSIFY.format(email="quiet@example.com"))
    watched = Stores(site)
    try:
        ask_over_the_api(site, account["api_key"])
        ask_in_the_chatroom(site, session := sign_in(site, account))
        build_requests(site, session)
        closed = "SELECT count(*) FROM gateway_hold"
        wait_until(lambda: site.rows(closed) == [(0,)], "every request to be settled")

        watched.stop_listening()
        assert watched.holding(CONTROL) >= {"table gateway_generation"}
        assert bool(watched.commands) == bool(site.env["REDIS_URL"])  # the ear on Redis hears
        assert watched.holding(SECRET) | watched.holding(PIECE) == set()
        # Of requests that were classified, there is no more than the name of their use.
        assert site.rows("SELECT DISTINCT use FROM gateway_classifiedday") == [("programming",)]
    finally:
        watched.stop_listening()


TURN_ON = """
from accounts.organisations import logging_consent
from accounts.models import User
user = User.objects.get(email="{email}")
logging_consent.turn_on(user.personal_organisation, user, 10_000, [])
"""


def test_with_logging_on_it_is_kept_encrypted_and_readable_to_its_owner(site: Site):
    account = json.loads(site.manage("demo_account", "--email", "loud@example.com", "--json"))
    site.manage("shell", "--no-imports", "-c", TURN_ON.format(email="loud@example.com"))
    watched = Stores(site)
    headers = {"Authorization": f"Bearer {account['api_key']}"}

    def get(path: str) -> requests.Response:
        return requests.get(f"{site.url}/api/v1/{path}", headers=headers, timeout=60)

    try:
        messages = [{"role": "user", "content": QUESTION}]
        ids = []
        for stream, fault in ((False, ""), (True, ""), (True, "cut:2"), (False, "503")):
            answer = requests.post(
                f"{site.url}/api/v1/chat/completions",
                headers=headers | ({"X-Sandbox-Fault": f"*={fault}"} if fault else {}),
                json={"model": MODEL, "messages": messages, "stream": stream},
                timeout=60,
            )
            ids.append(answer.headers["X-Generation-Id"])
        ask_in_the_chatroom(site, sign_in(site, account))
        wait_until(lambda: all(get(f"generation/content?id={each}").status_code == 200 for each in ids), "the contents")
        wait_until(lambda: site.rows("SELECT count(*) FROM gateway_hold") == [(0,)], "every request to be settled")
        for each in ids:
            content = get(f"generation/content?id={each}").json()["data"]
            assert content["input"] == {"messages": messages}
        watched.stop_listening()
        assert watched.holding(SECRET) | watched.holding(PIECE) == set()
    finally:
        watched.stop_listening()


def test_the_search_finds_words_however_they_are_stored(site: Site):
    watched = Stores(site)
    words = "heron-saddle-violet"
    try:
        for number, shape in enumerate(
            [words.encode(), *(base64.b64encode(b"x" * n + words.encode()) for n in range(3))]
        ):
            left_behind = site.data_dir / f"left-behind-{number}"
            left_behind.write_bytes(b"<" + shape + b">")
            assert watched.holding(words) == {f"file data/{left_behind.name}"}
            left_behind.unlink()
    finally:
        watched.stop_listening()


def ask_over_the_api(site: Site, key: str) -> None:
    def post(body: object, path: str = "chat/completions", **headers: str) -> requests.Response:
        return requests.post(
            f"{site.url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {key}", **headers},
            data=body if isinstance(body, str) else json.dumps(body),
            timeout=60,
        )

    question = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "user": CONTROL}
    whole = post(question)
    assert whole.status_code == 200 and SECRET in whole.json()["choices"][0]["message"]["content"]
    assert post({**question, "stream": True}).status_code == 200
    code = f"Why does this Python function fail?\n```\nreturn {SECRET}.{PIECE}\n```"
    assert post({"model": MODEL, "messages": [{"role": "user", "content": code}]}).status_code == 200
    assert SECRET in post({"model": MODEL, "prompt": QUESTION}, "completions").text
    for expected in ("MISS", "HIT"):  # stored in the response cache, encrypted
        cached = post(question, **{"X-OpenRouter-Cache": "true"})
        assert SECRET in cached.text and cached.headers["X-OpenRouter-Cache-Status"] == expected

    # A preset whose system prompt is the question: it is stored, but encrypted.
    saved = post({**question, "messages": [{"role": "system", "content": QUESTION}]}, "presets/quiet/chat/completions")
    assert saved.status_code == 200 and SECRET in saved.text
    for slug in ("quiet", "unknown"):
        post({"model": f"@preset/{slug}", "messages": question["messages"]})
    vectors = {"model": "openai/text-embedding-3-small", "input": [QUESTION, SECRET], "user": CONTROL}
    assert post(vectors, "embeddings").status_code == 200
    for fault in ("503", "400", "malformed", "no-usage"):
        post(vectors, "embeddings", **{"X-Sandbox-Fault": f"*={fault}"})
    post({**vectors, "input": [QUESTION, ""]}, "embeddings")
    ranking = {"model": "cohere/rerank-v3.5", "query": QUESTION, "documents": [SECRET, PIECE]}
    assert SECRET in post(ranking, "rerank").text
    post({**ranking, "documents": [SECRET, 5]}, "rerank")

    # Providers that refuse, break off or talk nonsense, before and after the first token.
    for fault in (
        "400",
        "429",
        "503",
        "moderation",
        "cut:2",
        "truncate:2",
        "malformed:1",
        "error-in-stream:2",
        "html-200",
        "reset:2",
    ):
        for stream in (False, True):
            answer = post({**question, "stream": stream}, **{"X-Sandbox-Fault": f"*={fault}"})
            assert answer.status_code < 500 or answer.status_code in {502, 503, 504}, (fault, answer.text)

    # Requests that make no sense.
    assert post(f'{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "{SECRET}"').status_code == 400
    assert post({**question, "messages": SECRET}).status_code == 400
    assert post({**question, "temperature": SECRET}).status_code == 400
    assert post({**question, "messages": [{"role": SECRET, "content": SECRET}]}).status_code == 400
    assert post({**question, "messages": [{"role": "user", "content": SECRET * 10_000}]}).status_code == 413
    assert post({**question, "model": "missing/model"}).status_code in {400, 404}
    assert post(question, Authorization="Bearer sk-or-v1-wrong").status_code == 401
    assert post(question, "no/such/path").status_code in {404, 405}


def sign_in(site: Site, account: dict[str, str]) -> str:
    """The session cookie of the account's person."""
    browser = requests.Session()
    form = browser.get(f"{site.url}/account/login/", timeout=30)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    values = {"login": account["email"], "password": account["password"], "csrfmiddlewaretoken": token[1]}
    browser.post(form.url, values, timeout=30)
    return str(browser.cookies["sessionid"])


def build_requests(site: Site, session: str) -> None:
    """Preview a request in the request builder, complete and with faults."""
    with requests.Session() as member:
        member.cookies.set("sessionid", session)
        path = f"{site.url}/request-builder"
        member.get(path)
        headers = {"X-CSRFToken": member.cookies["csrftoken"], "Referer": site.url}
        said = {"api": "chat/completions", "model": MODEL, "role": "user", "text": QUESTION, "image": ""}
        for fault in ({}, {"metadata": SECRET}, {"model": SECRET}, {"temperature": SECRET}, {"image": SECRET}):
            page = member.post(path, data=said | fault, headers=headers)
            assert page.status_code == 200 and SECRET in page.text


def ask_in_the_chatroom(site: Site, session: str) -> None:
    headers = {"Cookie": f"sessionid={session}"}
    address = site.url.replace("http", "ws", 1) + "/ws/chat"
    with connect(address, additional_headers=headers, origin=Origin(site.url), proxy=None) as socket:

        def ask(name: str, text: str, **body: object) -> str:
            question = {"model": MODEL, "messages": [{"role": "user", "content": text}], **body}
            socket.send(json.dumps({"type": "ask", "id": name, "body": question, "key": KEY}))
            answer = ""
            while True:
                frame = json.loads(socket.recv(timeout=60))
                answer += str(frame.get("text", ""))
                if frame["type"] == "ended":
                    return answer

        def resumed(name: str) -> str:
            socket.send(json.dumps({"type": "resume", "id": name, "key": KEY}))
            answer = ""
            while True:
                frame = json.loads(socket.recv(timeout=60))
                frames = frame.get("frames", [frame])
                answer += "".join(str(each.get("text", "")) for each in frames)
                if frames[-1]["type"] in {"ended", "lost"}:
                    return answer

        # With a key an answer is kept for a page that comes back: sealed, and until the page has it.
        assert SECRET in ask("well", QUESTION)
        assert SECRET in resumed("well")
        socket.send('{"type": "forget", "id": "well"}')
        assert resumed("well") == ""
        ask("attached", f"{PIECE}.txt:\n```\n{SECRET}\n```\n\n{QUESTION}")
        ask("broken", f"/sandbox cut:2\n{QUESTION}")
        ask("refused", f"/sandbox 503\n{QUESTION}")
        ask("flagged", f"/sandbox moderation\n{QUESTION}")
        ask("senseless", QUESTION, temperature=SECRET)
        socket.send(f'{{"type": "ask", "id": "half", "body": {{"messages": "{SECRET}')
