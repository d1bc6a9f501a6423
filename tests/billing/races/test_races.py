"""Races: threads and processes compete for the same money, some are killed, and reconciliation finds no fault.

Tests that need row locks or a second process run on PostgreSQL only, because SQLite allows one writer at a time.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.db.models import F

from billing import tasks
from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry, Notice, ProviderEvent, Purchase, Refund
from billing.notifications import low_balance, outbox
from billing.payments import auto_top_up_charges, refunds, sweeps
from billing.providers import stripe
from common.errors import PaymentRequired
from common.money import PICO_PER_CENT
from gateway.accounting import reaper, settlement
from gateway.models import Hold
from tests.billing.at_once import all_at_once
from tests.billing.auto_top_ups import age_charges, payment_statuses, save_card, turn_on
from tests.billing.conftest import Sandbox, buy, credits_of, deliver
from tests.support.processes import wait_until

from .race_worker import admit, settle

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
pytestmark = pytest.mark.django_db(transaction=True)


def balance_of(account: CreditAccount) -> int:
    return CreditAccount.objects.get(pk=account.pk).balance


# --- Holding and charging ---------------------------------------------------------------------------


def test_a_request_can_hold_exactly_the_balance_and_not_a_pico_more(account):
    assert isinstance(admit(account.pk, "gen-1", account.available + 1), PaymentRequired)
    assert admit(account.pk, "gen-2", account.available).hold == account.available
    assert isinstance(admit(account.pk, "gen-3", 1), PaymentRequired)
    assert settle(account.pk, "gen-2", account.credits).balance == 0
    assert reconciliation.faults() == []


def test_of_sixteen_holds_of_the_whole_balance_at_once_one_succeeds(account):
    results = all_at_once(*[lambda n=n: admit(account.pk, f"gen-{n}", account.available) for n in range(16)])

    assert Counter(type(each) for each in results) == {settlement.Admission: 1, PaymentRequired: 15}, results
    assert CreditAccount.objects.get(pk=account.pk).available == 0
    assert reconciliation.faults() == []


def test_a_request_settled_many_times_at_once_is_charged_once(account):
    admit(account.pk, "gen-1", 100 * PICO_PER_CENT)

    results = all_at_once(*[lambda n=n: settle(account.pk, "gen-1", (10 + n) * PICO_PER_CENT) for n in range(8)])

    assert len({each.cost for each in results}) == 1, results
    assert balance_of(account) == account.balance - results[0].cost
    assert reconciliation.faults() == []


def test_reaper_and_settlement_at_once_release_the_hold_once(account):
    for number in range(4):
        admit(account.pk, f"gen-{number}", 100 * PICO_PER_CENT)
    long_ago = F("created_at") - timedelta(minutes=5)
    Hold.objects.update(process_id="dead", created_at=long_ago)

    jobs = [lambda n=n: settle(account.pk, f"gen-{n}", 50 * PICO_PER_CENT) for n in range(4)]
    results = all_at_once(*jobs, reaper.reap, reaper.reap)

    assert not [each for each in results if isinstance(each, Exception)], results
    row = CreditAccount.objects.get(pk=account.pk)
    assert (row.held, row.usage) == (0, 200 * PICO_PER_CENT)
    assert reconciliation.faults() == []


def test_a_refund_and_a_request_at_once_never_get_the_same_credits(sandbox, bought, empty_account, alice):
    whole = empty_account.pk, "gen-1", 700 * PICO_PER_CENT

    results = all_at_once(lambda: refunds.request(bought, alice, cents=1000), lambda: admit(*whole))

    if isinstance(results[1], settlement.Admission):
        assert isinstance(results[0], refunds.AmountChanged), results
        assert settle(*whole).balance == 300 * PICO_PER_CENT
    else:
        assert isinstance(results[1], PaymentRequired), results
        assert (results[0].state, balance_of(empty_account)) == ("succeeded", 0)
    assert reconciliation.faults() == []


def test_webhooks_after_the_buyers_return_change_nothing(sandbox, purchase, alice_client, client):
    sandbox.pay(purchase)
    page = alice_client.get(f"/settings/credits/return?s={purchase.provider_session}").content.decode()
    assert "$10.00 added" in page

    for event in sandbox.events(purchase) * 2:
        assert deliver(client, event).status_code == 200

    assert credits_of(purchase.account) == 1000
    assert LedgerEntry.objects.count() == 1
    assert reconciliation.faults() == []


# --- Processes --------------------------------------------------------------------------------------


@pytest.fixture
def start(sandbox) -> Iterator:
    """Start a race worker on this test's database: `start("spend", account=account, seconds=5)`.

    It waits for `go`, and goes on after these seconds until it has done what is `wanted`.
    """
    given = connection.settings_dict
    address = f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "openrouter_site.settings",
        "DATABASE_URL": address,
        "SANDBOX_STRIPE_PORT": str(urlsplit(sandbox.address).port),
        "STRIPE_SECRET_KEY": "",
        "LOG_LEVEL": "CRITICAL",
    }
    started = []

    def run(*roles: str, account: CreditAccount, seconds: float, wanted: Sequence[str] = ()) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.billing.races.race_worker"]
        command += [",".join(roles), str(account.pk), str(seconds), *wanted]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stdin=pipe, stdout=pipe, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def go(*processes: subprocess.Popen) -> None:
    """Let the processes start, once all of them are ready."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


@needs_postgresql
def test_processes_that_spend_buy_refund_and_sweep_at_once_cause_no_fault_even_if_some_are_killed(
    sandbox, start, account
):
    everything = ("spend", "spend", "buy", "sweep")
    wanted = ("held", "bought", "refunded")
    survivors = [start(*everything, account=account, seconds=5, wanted=wanted) for _ in range(2)]
    doomed = start(*everything, account=account, seconds=60)
    go(*survivors, doomed)
    time.sleep(3)
    doomed.send_signal(signal.SIGKILL)

    did: Counter[str] = Counter()
    for process in survivors:
        did.update(json.loads(process.communicate(timeout=60)[0]))
        assert process.returncode == 0
    assert min(did[what] for what in wanted) > 0, did

    ago = timedelta(minutes=5)
    Hold.objects.update(created_at=F("created_at") - ago)
    reaper.reap()
    Purchase.objects.update(synced_at=F("synced_at") - ago)
    Refund.objects.update(created_at=F("created_at") - ago)
    sweeps.sweep()
    sweeps.recover_missed_payments()

    account.refresh_from_db()
    assert account.held == 0
    assert account.balance >= 0
    assert reconciliation.faults() == []
    paid = [each for each in sandbox.list_all("payment_intents") if each["status"] == "succeeded"]
    ours = {str(pk) for pk in Purchase.objects.filter(state="credited").values_list("pk", flat=True)}
    mine = {each["metadata"]["purchase"]: each["id"] for each in paid if each["customer"] == account.stripe_customer_id}
    assert set(mine) == ours
    sent = [each["amount"] for each in sandbox.list_all("refunds") if each["payment_intent"] in mine.values()]
    assert sorted(sent) == sorted(Refund.objects.values_list("cents", flat=True))


@needs_postgresql
def test_a_charge_whose_process_is_killed_is_resumed_and_made_once(sandbox, start, empty_account, alice):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    sandbox.fail("slow", count=1, seconds=60, path="/v1/payment_intents", method="POST")
    process = start("charge", account=empty_account, seconds=1)
    go(process)
    wait_until(lambda: sandbox.get("/_test/")["requests"] == [], "the charge to be sent")
    process.send_signal(signal.SIGKILL)
    process.wait()

    purchase = Purchase.objects.get()
    assert (purchase.state, purchase.provider_payment) == ("processing", None)
    sandbox.post("/_test/reset")  # the provider goes on
    wait_until(lambda: payment_statuses(sandbox, purchase) == ["succeeded"], "the provider to carry out the charge")
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None  # no second charge
    age_charges(0.1)
    all_at_once(*[sweeps.sweep] * 4)

    assert payment_statuses(sandbox, purchase) == ["succeeded"]
    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 1000
    assert reconciliation.faults() == []


@needs_postgresql
@pytest.mark.parametrize("dies", [("alert",), ("alert", "deliver")], ids=["before it is sent", "while it is sent"])
def test_an_email_whose_process_is_killed_after_the_commit_is_sent_once(start, account, dies):
    low_balance.turn_on(account, 500)
    CreditAccount.objects.update(usage=600 * PICO_PER_CENT)
    for role in dies:
        process = start(role, account=account, seconds=60)
        go(process)
        assert process.wait(timeout=60) == -signal.SIGKILL
        assert mail.outbox == []
    account.refresh_from_db()
    assert account.alerted_at is not None  # no second alert: only the stored email can be sent

    if "deliver" in dies:
        sweeps.alert_low_balances()
        tasks.deliver_notices()
        assert mail.outbox == []  # the process sending it may only be slow
        Notice.objects.update(due_at=F("due_at") - outbox.RETRY_DELAYS[0])
    all_at_once(*[tasks.deliver_notices] * 4)
    tasks.deliver_notices()

    assert [(each.to, each.subject) for each in mail.outbox] == [(["alice@example.com"], "Your balance is below $5.00")]
    assert not Notice.objects.exists()


# --- Webhooks over HTTP -----------------------------------------------------------------------------


@pytest.fixture
def delivering_sandbox(sandbox, live_server, settings, monkeypatch) -> Iterator[Sandbox]:
    """The sandbox, delivering its events to this test's own site over HTTP."""
    monkeypatch.setitem(
        connection.settings_dict, "CONN_MAX_AGE", 0
    )  # the server's threads must not keep connections open
    endpoint = stripe.connection.client().v1.webhook_endpoints.create(
        {"url": f"{live_server.url}/webhooks/stripe", "enabled_events": ["*"]}
    )
    settings.STRIPE_WEBHOOK_SECRETS = [endpoint.secret]
    yield sandbox
    sandbox.post("/_test/reset")
    # Whatever arrives later would write to the database of the next test.
    wait_until(lambda: has_delivered(sandbox), "the last deliveries")
    stripe.connection.client().v1.webhook_endpoints.delete(endpoint.id)


def has_delivered(sandbox: Sandbox) -> bool:
    """Whether every event has arrived, or is lost."""
    return all(each["state"] != "pending" for each in sandbox.get("/_test/deliveries")["data"])


@needs_postgresql
@pytest.mark.parametrize(
    "disturbance",
    [{"copies": 3, "shuffle": 0.5}, {"delay": 1}, {"drop": 3}],
    ids=["duplicated and out of order", "late", "first ones lost"],
)
def test_disturbed_webhooks_credit_every_purchase_once(delivering_sandbox, empty_account, alice, disturbance):
    delivering_sandbox.post("/_test/webhooks", **disturbance)
    bought = [buy(empty_account, alice, cents) for cents in (500, 1000, 1500)]
    all_at_once(*[lambda each=each: delivering_sandbox.pay(each) for each in bought])

    wait_until(lambda: credits_of(empty_account) == 3000, "the webhooks to credit everything")
    wait_until(lambda: not ProviderEvent.objects.filter(state="new").exists(), "every event to be processed")
    wait_until(lambda: has_delivered(delivering_sandbox), "the last copies")
    assert LedgerEntry.objects.count() == 3
    assert reconciliation.faults() == []


@needs_postgresql
@pytest.mark.parametrize("mode", ["refuse", "crash", "drop"])
def test_webhooks_during_an_outage_of_the_providers_api_lead_to_the_same_state(
    delivering_sandbox, empty_account, alice, mode
):
    bought = [buy(empty_account, alice, cents) for cents in (500, 1000)]
    delivering_sandbox.fail(mode, count=12, status=503, path="/v1/checkout", method="GET")
    for purchase in bought:
        delivering_sandbox.pay(purchase)

    wait_until(lambda: ProviderEvent.objects.filter(state="failed").exists(), "an event to fail")
    delivering_sandbox.post("/_test/reset")
    ProviderEvent.objects.update(received_at=F("received_at") - timedelta(minutes=1))
    sweeps.sweep()

    wait_until(lambda: credits_of(empty_account) == 1500, "the credits")
    assert LedgerEntry.objects.count() == 2
    assert reconciliation.faults() == []
