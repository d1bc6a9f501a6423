"""Killed and started again: every committed change is still there and still delivered."""

import os
import signal
import sys
import threading

import pytest

from scripts.serve import free_port
from tests.sandbox.stripe.world import Receiver, Shop
from tests.support.processes import Process


class Sandbox:
    """A sandbox that can be killed, with a file of its own."""

    def __init__(self, folder, *options):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        data = ["--data", str(folder / "stripe.sqlite3"), *options]
        self._command = " ".join([sys.executable, "-m", "sandbox.stripe", "--port", str(self.port), *data])
        self.start()

    def start(self):
        self._process = Process("stripe", f"exec {self._command}", dict(os.environ), self._folder)
        self._process.wait_until_it_responds(self.address)

    def kill(self):
        self._process.stop(signal.SIGKILL)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def sandbox(tmp_path, receiver):
    sandbox = Sandbox(tmp_path, "--webhook-url", receiver.url, "--webhook-secret", "whsec_local_sandbox")
    receiver.secret = "whsec_local_sandbox"
    yield sandbox
    sandbox.kill()


def test_everything_survives_being_killed(sandbox, buyer):
    shop = Shop(sandbox.address)
    session = shop.session()
    buyer.pay(session)
    shop.control("clock", seconds=5000)
    before, clock = shop.reload(session, "payment_intent.latest_charge"), shop.now()
    key = {"idempotency_key": "once"}
    customer = shop.v1.customers.create({"name": "X"}, key)

    sandbox.kill()
    sandbox.start()

    assert shop.reload(session, "payment_intent.latest_charge").to_dict() == before.to_dict()
    assert shop.now() >= clock
    again = shop.v1.customers.create({"name": "X"}, key)
    assert (again.id, again.last_response.headers["Idempotent-Replayed"]) == (customer.id, "true")
    assert shop.breaches == []


def test_events_that_were_due_are_delivered_after_the_restart(sandbox, receiver):
    shop = Shop(sandbox.address)
    receiver.answers = [500] * 100
    customers = [shop.customer().id for _ in range(20)]
    sandbox.kill()
    receiver.answers = []
    assert receiver.events == []

    sandbox.start()
    receiver.wait_for(lambda: all(receiver.types_about(each) for each in customers), "every event")
    receiver.wait_for(lambda: all(not event.pending_webhooks for event in shop.v1.events.list()), "all to be noted")


def test_killed_in_the_middle_of_many_requests_no_event_is_lost(sandbox, receiver):
    """Every change that was answered, and every one that was only committed, is delivered in the end."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            try:
                Shop(sandbox.address).customer()
            except Exception:
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    receiver.wait_for(lambda: len(receiver.events) > 10, "some events")
    sandbox.kill()
    stop.set()
    for thread in threads:
        thread.join()
    sandbox.start()
    shop = Shop(sandbox.address)
    made = [customer.id for customer in shop.v1.customers.list({"limit": 100}).auto_paging_iter()]
    assert len(made) > 10
    receiver.wait_for(lambda: all(receiver.types_about(each) for each in made), "every event")


def test_sessions_expire_and_refunds_end_while_it_is_down(sandbox):
    shop = Shop(sandbox.address)
    session = shop.session(expires_at=shop.now() + 31 * 60)
    refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_refundFail").id})
    sandbox.kill()
    sandbox.start()
    shop.control("clock", seconds=32 * 60)
    assert shop.reload(session).status == "expired"
    assert shop.refund(refund.id).status == "failed"


def test_without_a_file_everything_is_forgotten(tmp_path):
    port = free_port()
    command = f"exec {sys.executable} -m sandbox.stripe --port {port}"
    process = Process("stripe", command, dict(os.environ), tmp_path)
    process.wait_until_it_responds(f"http://127.0.0.1:{port}")
    shop = Shop(f"http://127.0.0.1:{port}")
    shop.customer()
    process.stop()
    process = Process("stripe", command, dict(os.environ), tmp_path)
    process.wait_until_it_responds(f"http://127.0.0.1:{port}")
    assert shop.v1.customers.list().data == []
    process.stop()
