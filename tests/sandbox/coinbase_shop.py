"""A shop that is paid through the crypto payments sandbox, and its webhook address."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scripts.serve import free_port
from tests.support.processes import Process, wait_until

SECRET = "local_sandbox"


class Coinbase:
    """A shop that signs its requests with the development key, and the control API."""

    def __init__(self, address):
        self.address = address
        printed = subprocess.run(
            [sys.executable, "-m", "sandbox.coinbase", "--print-key"], capture_output=True, text=True, check=True
        )
        self.key_id, self.secret = printed.stdout.split()

    def token(self, method, path, **changes):
        """A bearer token for one request; `changes` replace claims, `kid`, `alg`, `host` or the `seed`."""
        now = int(time.time())
        host = changes.pop("host", self.address.removeprefix("http://"))
        header = {"alg": changes.pop("alg", "EdDSA"), "kid": changes.pop("kid", self.key_id), "typ": "JWT"}
        seed = changes.pop("seed", base64.b64decode(self.secret)[:32])
        claims = {"sub": self.key_id, "iss": "cdp", "nbf": now, "exp": now + 120, "uris": [f"{method} {host}{path}"]}
        claims |= changes
        text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{encoded(Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode()))}"

    def call(self, method, path, body=None, *, key=None, token=None, query=None):
        path = f"/api/v1/checkouts{path}"
        headers = {"Authorization": f"Bearer {token or self.token(method, path)}"}
        if key:
            headers["X-Idempotency-Key"] = key
        return requests.request(method, self.address + path, json=body, params=query, headers=headers, timeout=20)

    def create(self, amount="21.00", **changes):
        body = {
            "amount": amount,
            "currency": "USDC",
            "description": "Credits",
            "metadata": {"purchase": "1"},
            "successRedirectUrl": "http://127.0.0.1:9/paid",
            "failRedirectUrl": "https://shop.example/failed",
        }
        answer = self.call("POST", "", body | changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, checkout):
        return self.call("GET", f"/{checkout['id']}").json()

    def refund(self, checkout, amount):
        return self.call("POST", f"/{checkout['id']}/refund", {"amount": amount, "currency": "USDC", "reason": "asked"})

    def control(self, what, **body):
        answer = requests.post(f"{self.address}/_test/{what}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()


def encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def verified(body, headers, secret):
    """The webhook's time. Raises AssertionError unless its signature covers the headers and the body."""
    parts = dict(part.split("=", 1) for part in headers["X-Hook0-Signature"].split(","))
    values = ".".join(headers[name] for name in parts["h"].split(" "))
    signed = f"{parts['t']}.{parts['h']}.{values}.".encode() + body
    assert hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), parts["v1"])
    plain = f"{parts['t']}.".encode() + body
    assert hmac.compare_digest(hmac.new(secret.encode(), plain, hashlib.sha256).hexdigest(), parts["v0"])
    return int(parts["t"])


class Receiver:
    """A shop's webhook address."""

    def __init__(self):
        self.events, self.faults, self.answers = [], [], []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 200:
                    try:
                        assert abs(verified(body, self.headers, SECRET) - time.time()) < 300
                        event = json.loads(body)
                        assert self.headers["x-event-type"] == event["eventType"]
                        receiver.events.append((self.headers["x-event-id"], event))
                    except (AssertionError, KeyError) as error:
                        receiver.faults.append(repr(error))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def about(self, checkout):
        """The types of the events about a checkout, in the order of arrival."""
        return [event["eventType"] for _, event in list(self.events) if event["id"] == checkout["id"]]

    def wait_for(self, checkout, *types):
        wait_until(lambda: set(types) <= set(self.about(checkout)), f"{types} of {checkout['id']}")

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Running:
    """The process, which can be killed and started again."""

    def __init__(self, folder, receiver):
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._command = (
            f"exec {sys.executable} -m sandbox.coinbase --port {port} --data {folder / 'coinbase.sqlite3'} "
            f"--webhook-url {receiver.url} --webhook-secret {SECRET}"
        )
        self._folder = folder
        self.start()

    def start(self):
        self._process = Process("coinbase", self._command, dict(os.environ), self._folder)
        self._process.wait_until_it_responds(self.address)

    def stop(self, *how):
        self._process.stop(*how)


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
    assert receiver.faults == []


@pytest.fixture(scope="module")
def running(tmp_path_factory, receiver):
    running = Running(tmp_path_factory.mktemp("coinbase"), receiver)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def provider(running):
    return Coinbase(running.address)


@pytest.fixture
def coinbase(provider):
    yield provider
    provider.control("reset")
