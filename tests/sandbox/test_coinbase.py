"""The crypto payments sandbox: its API, its page and its webhooks, as the provider's documentation describes them."""

import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.browser.accessibility import check_looks
from tests.sandbox.coinbase_shop import coinbase, provider, receiver, running
from tests.support.processes import wait_until

__all__ = ["coinbase", "provider", "receiver", "running"]


def test_a_checkout_is_paid_on_its_page(coinbase, receiver):
    checkout = coinbase.create("21.00")
    assert re.fullmatch(r"[0-9a-f]{24}", checkout["id"])
    assert (checkout["status"], checkout["amount"], checkout["currency"], checkout["network"]) == (
        "ACTIVE",
        "21.00",
        "USDC",
        "base",
    )
    page = requests.get(checkout["url"], timeout=20)
    assert "Pay 21.00 USDC" in page.text and "No real money moves here" in page.text
    assert "form-action 'self' http://127.0.0.1:9 https://shop.example" in page.headers["Content-Security-Policy"]

    answer = requests.post(checkout["url"], data={"outcome": "pay"}, timeout=20, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:9/paid")
    paid = coinbase.get(checkout)
    assert paid["status"] == "COMPLETED"
    assert paid["settlement"] == {"totalAmount": "21.00", "feeAmount": "0.21", "netAmount": "20.79", "currency": "USDC"}
    receiver.wait_for(checkout, "checkout.payment.success")
    event = next(event for _, event in receiver.events if event["id"] == checkout["id"])
    assert event | {"eventType": None} == paid | {"eventType": None}
    assert event["metadata"] == {"purchase": "1"}


def test_a_second_click_pays_once(coinbase, receiver):
    checkout = coinbase.create()
    for _ in range(2):
        answer = requests.post(checkout["url"], data={"outcome": "pay"}, timeout=20, allow_redirects=False)
        assert answer.headers["Location"] == "http://127.0.0.1:9/paid"
    receiver.wait_for(checkout, "checkout.payment.success")
    assert receiver.about(checkout) == ["checkout.payment.success"]


def test_a_payment_can_be_confirmed_later(coinbase, receiver):
    checkout = coinbase.create()
    requests.post(checkout["url"], data={"outcome": "later"}, timeout=20, allow_redirects=False)
    waiting = coinbase.get(checkout)
    assert waiting["status"] == "PROCESSING" and waiting["transactionHash"].startswith("0x")
    assert "settlement" not in waiting
    confirmed = coinbase.control(f"checkouts/{checkout['id']}/confirm")
    assert (confirmed["status"], confirmed["transactionHash"]) == ("COMPLETED", waiting["transactionHash"])


def test_a_payment_can_fail(coinbase, receiver):
    checkout = coinbase.create()
    answer = requests.post(checkout["url"], data={"outcome": "fail"}, timeout=20, allow_redirects=False)
    assert answer.headers["Location"] == "https://shop.example/failed"
    assert coinbase.get(checkout)["status"] == "FAILED"
    receiver.wait_for(checkout, "checkout.payment.failed")


def test_a_checkout_expires_and_late_money_still_counts(coinbase, receiver):
    checkout = coinbase.create()
    coinbase.control("clock", seconds=3601)
    assert coinbase.get(checkout)["status"] == "EXPIRED"
    receiver.wait_for(checkout, "checkout.payment.expired")
    assert requests.get(checkout["url"], timeout=20).status_code == 410
    requests.post(checkout["url"], data={"outcome": "pay"}, timeout=20, allow_redirects=False)
    assert coinbase.get(checkout)["status"] == "EXPIRED"
    assert coinbase.control(f"checkouts/{checkout['id']}/confirm")["status"] == "COMPLETED"
    receiver.wait_for(checkout, "checkout.payment.success")


def test_its_time_can_be_over_without_moving_the_clock(coinbase, receiver):
    checkout, other = coinbase.create(), coinbase.create()
    assert coinbase.control(f"checkouts/{checkout['id']}/expire")["status"] == "EXPIRED"
    assert coinbase.get(other)["status"] == "ACTIVE"
    receiver.wait_for(checkout, "checkout.payment.expired")


@pytest.mark.parametrize(("outcome", "received"), [("little", "20.00"), ("much", "22.00")])
def test_a_buyer_may_send_another_amount(coinbase, outcome, received):
    checkout = coinbase.create("21.00")
    requests.post(checkout["url"], data={"outcome": outcome}, timeout=20, allow_redirects=False)
    paid = coinbase.get(checkout)
    assert (paid["status"], paid["amount"], paid["settlement"]["totalAmount"]) == ("COMPLETED", "21.00", received)

    told = coinbase.create("21.00")
    paid = coinbase.control(f"checkouts/{told['id']}/pay", received=received)
    assert paid["settlement"]["totalAmount"] == received


def test_a_shop_closes_its_checkout(coinbase):
    checkout = coinbase.create()
    assert coinbase.call("POST", f"/{checkout['id']}/deactivate").json()["status"] == "DEACTIVATED"
    again = coinbase.call("POST", f"/{checkout['id']}/deactivate")
    assert again.status_code == 400 and "Only an ACTIVE checkout" in again.json()["errorMessage"]
    assert requests.get(checkout["url"], timeout=20).status_code == 410


def test_refunds_add_up_to_the_payment_and_never_more(coinbase, receiver):
    checkout = coinbase.create("10.00")
    assert coinbase.refund(checkout, "1.00").status_code == 400
    coinbase.control(f"checkouts/{checkout['id']}/pay")
    begun = coinbase.refund(checkout, "4.00").json()
    assert (begun["refund"]["status"], begun["refund"]["amount"]) == ("PENDING", "4.00")
    assert "At most 6.00 USDC" in coinbase.refund(checkout, "6.01").json()["errorMessage"]
    coinbase.control("clock", seconds=3)
    partly = coinbase.get(checkout)
    assert (partly["status"], partly["refundedAmount"]) == ("PARTIALLY_REFUNDED", "4.00")
    coinbase.refund(checkout, "6.00")
    coinbase.control("clock", seconds=3)
    assert coinbase.get(checkout)["status"] == "REFUNDED"
    receiver.wait_for(checkout, "checkout.refund.success")


def test_a_refund_can_fail(coinbase, receiver):
    checkout = coinbase.create("10.00")
    coinbase.control(f"checkouts/{checkout['id']}/pay")
    refund = coinbase.refund(checkout, "10.00").json()["refund"]
    failed = coinbase.control(f"checkouts/{checkout['id']}/refunds/{refund['id']}/fail")
    assert (failed["status"], failed["refunds"][0]["status"]) == ("COMPLETED", "FAILED")
    receiver.wait_for(checkout, "checkout.refund.failed")
    coinbase.control("clock", seconds=3)
    assert coinbase.get(checkout)["status"] == "COMPLETED"
    assert coinbase.refund(checkout, "10.00").status_code == 200


def test_lists_turn_their_pages(coinbase):
    made = [coinbase.create()["id"] for _ in range(5)]
    found, query = [], {"pageSize": "2", "status": "ACTIVE"}
    while len(found) < 5:
        page = coinbase.call("GET", "", query=query).json()
        found += [checkout["id"] for checkout in page["checkouts"]]
        query["pageToken"] = page.get("nextPageToken", "")
    assert found[:5] == made[::-1]


@pytest.mark.parametrize(
    "query", [{"pageSize": "0"}, {"pageSize": "101"}, {"status": "HAPPY"}, {"pageToken": "x"}, {"mood": "x"}]
)
def test_a_list_that_cannot_be_made_is_refused(coinbase, query):
    answer = coinbase.call("GET", "", query=query)
    assert (answer.status_code, answer.json()["errorType"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": "1.001"}, "at most two decimals"),
        ({"amount": 21}, "at most two decimals"),
        ({"amount": "0.00"}, "from 0.01"),
        ({"amount": None}, "at most two decimals"),
        ({"currency": "BTC"}, "currency must be USDC"),
        ({"network": "ethereum"}, "network must be base"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "in the future"),
        ({"expiresAt": "soon"}, "in the future"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {f"k{n}": "v" for n in range(21)}}, "at most 20 pairs"),
        ({"successRedirectUrl": "http://shop.example/paid"}, "https address"),
        ({"description": "x" * 501}, "500 characters"),
        ({"mood": "sunny"}, "Unknown fields: mood"),
    ],
)
def test_a_checkout_that_makes_no_sense_is_refused(coinbase, changes, message):
    answer = coinbase.call("POST", "", {"amount": "21.00", "currency": "USDC"} | changes)
    assert answer.status_code == 400
    assert answer.json()["errorType"] == "invalid_request" and message in answer.json()["errorMessage"]


def test_a_price_in_dollars_is_paid_in_usdc(coinbase):
    checkout = coinbase.create("5.00", currency="USD")
    assert (checkout["currency"], checkout["fiatAmount"], checkout["fiatCurrency"]) == ("USDC", "5.00", "USD")


def test_what_is_not_there_is_a_404(coinbase):
    answer = coinbase.call("GET", "/" + "0" * 24)
    assert (answer.status_code, answer.json()["errorType"]) == (404, "not_found")
    assert requests.get(f"{coinbase.address}/payment-links/pl_{'0' * 24}", timeout=20).status_code == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": b"\1" * 32}, "signature is wrong"),
        ({"kid": "another"}, "knows only the key"),
        ({"sub": "another"}, "knows only the key"),
        ({"iss": "me"}, "issuer must be cdp"),
        ({"exp": -60}, "expired"),
        ({"nbf": 600, "exp": 700}, "clock is ahead"),
        ({"exp": 5000}, "120 seconds at most"),
        ({"exp": None}, "needs nbf and exp"),
        ({"uris": ["POST 127.0.0.1/api/v1/checkouts"]}, "not for GET"),
        ({"host": "evil.example"}, "not for GET"),
        ({"alg": "none"}, "EdDSA tokens only"),
    ],
)
def test_only_a_fresh_token_for_this_request_is_accepted(coinbase, changes, message):
    """Times are seconds from now."""
    now = int(time.time())
    changes = {name: now + value if isinstance(value, int) else value for name, value in changes.items()}
    answer = coinbase.call("GET", "", token=coinbase.token("GET", "/api/v1/checkouts", **changes))
    assert (answer.status_code, answer.json()["errorType"]) == (401, "unauthorized")
    assert message in answer.json()["errorMessage"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30"])
def test_what_is_no_token_is_refused(coinbase, token):
    assert coinbase.call("GET", "", token=token).status_code == 401


def test_a_token_may_name_the_real_host_or_a_single_uri(coinbase):
    path = "/api/v1/checkouts"
    real = coinbase.token("GET", path, host="business.coinbase.com")
    assert coinbase.call("GET", "", token=real).status_code == 200
    single = coinbase.token("GET", path, uris=None, uri=f"GET business.coinbase.com{path}")
    assert coinbase.call("GET", "", token=single).status_code == 200


def test_the_same_request_again_gets_the_same_checkout(coinbase):
    key, body = str(uuid.uuid4()), {"amount": "21.00", "currency": "USDC"}
    first, again = (coinbase.call("POST", "", body, key=key) for _ in range(2))
    assert first.json() == again.json() and again.status_code == 201
    other = coinbase.call("POST", "", body | {"amount": "22.00"}, key=key)
    assert (other.status_code, other.json()["errorType"]) == (422, "idempotency_error")
    assert coinbase.call("POST", "", body, key="once").status_code == 400
    coinbase.control("clock", seconds=24 * 3600 + 1)
    assert coinbase.call("POST", "", body, key=key).json()["id"] != first.json()["id"]


def test_a_twin_of_a_request_under_way_gets_409(coinbase):
    coinbase.control("requests", mode="slow", seconds=60, path="/api/v1/checkouts")
    key, body = str(uuid.uuid4()), {"amount": "21.00", "currency": "USDC"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(coinbase.call, "POST", "", body, key=key)
        wait_until(lambda: requests.get(f"{coinbase.address}/_test/").json()["requests"] == [], "the first request")
        assert coinbase.call("POST", "", body, key=key).status_code == 409
        coinbase.control("reset")
        assert first.result().status_code == 201


def test_a_lost_answer_is_found_by_asking_again(coinbase):
    coinbase.control("requests", mode="drop", path="/api/v1/checkouts")
    key, body = str(uuid.uuid4()), {"amount": "33.00", "currency": "USDC"}
    with pytest.raises(requests.ConnectionError):
        coinbase.call("POST", "", body, key=key)
    found = coinbase.call("POST", "", body, key=key).json()
    listed = coinbase.call("GET", "", query={"pageSize": "100"}).json()["checkouts"]
    assert [checkout["id"] for checkout in listed if checkout["amount"] == "33.00"] == [found["id"]]


def test_an_outage_executes_nothing_and_a_crash_does(coinbase):
    coinbase.control("requests", mode="refuse", status=503, path="/api/v1/")
    assert coinbase.call("POST", "", {"amount": "44.00", "currency": "USDC"}).status_code == 503
    coinbase.control("requests", mode="crash", path="/api/v1/")
    assert coinbase.call("POST", "", {"amount": "45.00", "currency": "USDC"}).status_code == 500
    listed = coinbase.call("GET", "", query={"pageSize": "100"}).json()["checkouts"]
    assert [each["amount"] for each in listed if each["amount"] in ("44.00", "45.00")] == ["45.00"]


def test_webhooks_are_repeated_doubled_and_lost(coinbase, receiver):
    receiver.answers = [500]
    repeated = coinbase.create()
    coinbase.control(f"checkouts/{repeated['id']}/pay")
    receiver.wait_for(repeated, "checkout.payment.success")

    coinbase.control("webhooks", copies=2)
    doubled = coinbase.create()
    coinbase.control(f"checkouts/{doubled['id']}/pay")
    wait_until(lambda: len(receiver.about(doubled)) == 2, "two copies")
    assert len({number for number, event in receiver.events if event["id"] == doubled["id"]}) == 1

    coinbase.control("webhooks", copies=1, drop=1)
    lost, told = coinbase.create(), coinbase.create()
    for checkout in (lost, told):
        coinbase.control(f"checkouts/{checkout['id']}/pay")
    receiver.wait_for(told, "checkout.payment.success")
    assert receiver.about(lost) == [] and coinbase.get(lost)["status"] == "COMPLETED"


def test_killed_and_started_again_it_still_delivers(coinbase, running, receiver):
    receiver.answers = [500] * 1000
    checkout = coinbase.create()
    coinbase.control(f"checkouts/{checkout['id']}/pay")
    running.stop(9)
    receiver.answers = []
    running.start()
    receiver.wait_for(checkout, "checkout.payment.success")
    assert coinbase.get(checkout)["status"] == "COMPLETED"


def test_a_form_of_another_site_is_refused(coinbase):
    checkout = coinbase.create()
    answer = requests.post(
        checkout["url"], data={"outcome": "pay"}, headers={"Origin": "http://evil.example"}, timeout=20
    )
    assert answer.status_code == 403 and coinbase.get(checkout)["status"] == "ACTIVE"


def test_its_pages_are_accessible_and_fit_their_window(coinbase, page):
    checkout, paid = coinbase.create(), coinbase.create()
    coinbase.control(f"checkouts/{paid['id']}/pay")
    for address in (checkout["url"], paid["url"], f"{coinbase.address}/"):
        page.goto(address)
        check_looks(page)
        assert page.locator("h1").count() == 1
