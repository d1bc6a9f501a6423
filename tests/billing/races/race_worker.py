"""A process that races for an account's money.

`python -m tests.billing.races.race_worker ROLES ACCOUNT SECONDS [WANTED...]`

`test_races.py` starts it against its own database. It plays several roles (separated by commas), each on a thread,
from the moment a line arrives on standard input until the time is over and each count that is wanted has begun, and
finally prints counts of what it did as JSON. Some are killed before that.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection

from billing.models import CreditAccount, Purchase
from billing.notifications import low_balance, outbox
from billing.payments import auto_top_up_charges, checkouts, purchases, quotes, refunds, sweeps
from common.errors import PaymentRequired
from common.money import PICO_PER_CENT, PicoUsd
from common.naming.ids import generation_id
from gateway.accounting import reaper, settlement
from gateway.accounting.rows import GenerationRow
from tests.billing.stripe_sandbox import SITE, Sandbox


def admit(account: int, row: str, amount: int):
    """Put `amount` pico-USD on hold; returns the Admission or the refusal."""
    operation = settlement.Admit(
        generation=generation(account, row), prompt_cost=PicoUsd(amount), token_price=Decimal(0), requested_tokens=1,
        model_max_tokens=1,
    )  # fmt: skip
    return settlement.write_batch([operation])[0]


def settle(account: int, row: str, cost: int):
    """Charge `cost` pico-USD and release the hold."""
    (settled,) = settlement.write_batch([settlement.Settle(generation=generation(account, row), cost=PicoUsd(cost))])
    return settled


def generation(account: int, row: str) -> GenerationRow:
    return GenerationRow(
        id=row, account_id=account, source="api", requested_model="acme/one", created_at=datetime.now(UTC)
    )


def spend(account: int, did: Counter[str]) -> None:
    """Put an amount on hold, then settle up to a third more than that, sometimes twice."""
    amount = random.randint(1, 40 * PICO_PER_CENT)
    row = generation_id(time.time())
    if isinstance(admit(account, row, amount), PaymentRequired):
        did["refused"] += 1
        time.sleep(0.005)
        return
    did["held"] += 1
    cost = amount * random.randint(0, 130) // 100
    for _ in range(random.choice([1, 1, 1, 2])):
        settle(account, row, cost)


def buy(account: int, did: Counter[str]) -> None:
    """Buy credits and sync the purchase four times at once; then perhaps request its refund twice at once."""
    row = CreditAccount.objects.select_related("organisation__personal_of").get(pk=account)
    user = row.organisation.personal_of
    assert user is not None
    quote = quotes.quote(random.randint(500, 3000))
    form = {"method": Purchase.Method.CARD, "form_token": generation_id(time.time()), "site": SITE}
    purchase = checkouts.start(row, user, quote, **form)
    Sandbox(settings.STRIPE_API_BASE).pay(purchase)
    at_once([lambda: purchases.sync(purchase)] * 4)
    did["bought"] += 1
    if random.random() < 0.6:

        def refund() -> None:
            try:
                refunds.request(purchase, user, cents=refunds.offer(Purchase.objects.get(pk=purchase.pk)).cents)
            except (refunds.NotRefundable, refunds.AmountChanged):
                return
            did["refunded"] += 1

        at_once([refund] * 2)


def at_once(jobs) -> None:
    def run(job) -> None:
        try:
            job()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sweep(account: int, did: Counter[str]) -> None:
    """Run the periodic tasks, much more often than scheduled."""
    did["reaped"] += reaper.reap()
    sweeps.sweep()
    did["recovered"] += sweeps.recover_missed_payments()
    time.sleep(0.2)


def charge(account: int, did: Counter[str]) -> None:
    auto_top_up_charges.charge_if_low(account)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def alert(account: int, did: Counter[str]) -> None:
    """Send a low-balance alert, and die after it is committed but before the email is sent."""
    outbox.wake_worker = die  # type: ignore[assignment]
    low_balance.send_if_low(account)


def deliver(account: int, did: Counter[str]) -> None:
    """Send due emails, and die while the first is handed to the mail server."""
    EmailMessage.send = die  # type: ignore[assignment,method-assign]
    outbox.deliver_due()


ROLES = {"spend": spend, "buy": buy, "sweep": sweep, "charge": charge, "alert": alert, "deliver": deliver}


def main(roles: str, account: str, seconds: str, *wanted: str) -> None:
    did: Counter[str] = Counter()
    settings.COINBASE_IS_SANDBOX = False  # only the sandbox of Stripe runs
    print("ready", flush=True)
    sys.stdin.readline()  # until all processes are ready
    end = time.monotonic() + float(seconds)

    def play(role: str) -> None:
        while time.monotonic() < end or not all(did[what] for what in wanted):
            ROLES[role](int(account), did)

    at_once([lambda role=role: play(role) for role in roles.split(",")])
    print(json.dumps(did))


if __name__ == "__main__":
    main(*sys.argv[1:])
