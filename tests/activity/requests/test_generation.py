"""One request's page: why it cost what it cost."""

from decimal import Decimal

import pytest

from activity.requests.explanation import explain
from gateway.models import Generation
from tests.activity.factory import make_request, make_running


@pytest.fixture
def url(account):
    return f"/activity/{make_request(account).pk}"


def test_a_member_sees_the_organisations_requests_an_outsider_does_not(alice_client, bob_client, charlie_client, url):
    assert alice_client.get(url).status_code == 200
    assert bob_client.get(url).status_code == 200
    assert charlie_client.get(url).status_code == 404


@pytest.mark.parametrize("tail", ["gen-0-unknown", "gen-", "gen-%00", "x", "gen-" + "a" * 60, "gen-1'--"])
def test_what_is_no_request_is_not_found(alice_client, account, tail):
    assert alice_client.get(f"/activity/{tail}").status_code == 404


def test_every_token_is_priced_once_and_the_lines_come_to_the_charge(account):
    request = make_request(
        account, prompt_tokens=1000, cached_tokens=400, cache_write_tokens=100, completion_tokens=300,
        reasoning_tokens=120,
        price={"prompt": "0.000001", "completion": "0.000002", "input_cache_read": "0.0000001",
               "input_cache_write": "0.00000125", "internal_reasoning": "0.000003", "request": "0.0005"},
    )  # fmt: skip
    explanation = explain(request)
    assert [(line.count, line.price) for line in explanation.lines] == [
        (500, Decimal("0.000001")),
        (400, Decimal("0.0000001")),
        (100, Decimal("0.00000125")),
        (180, Decimal("0.000002")),
        (120, Decimal("0.000003")),
        (1, Decimal("0.0005")),
    ]
    pico = sum(line.amount for line in explanation.lines) * 10**12
    assert explanation.charged == explanation.listed == pico == request.cost
    assert (explanation.discount, explanation.waived, explanation.written_off, explanation.other) == (0, 0, 0, 0)


def test_images_are_a_line_of_their_own(account):
    price = {"prompt": "0.000001", "completion": "0.000002", "image": "0.001"}
    request = make_request(account, images=3, price=price)
    explanation = explain(request)
    assert [(line.name, line.count) for line in explanation.lines][-1] == ("Images", 3)
    assert explanation.charged == explanation.listed
    assert explanation.other == 0


def test_images_of_the_response_have_their_price_in_place_of_that_of_their_tokens(account):
    price = {"prompt": "0.000001", "completion": "0.000002", "image_output": "0.04"}
    request = make_request(
        account, prompt_tokens=10, completion_tokens=1300, output_image_tokens=1290, output_images=1, price=price
    )
    explanation = explain(request)
    assert [(line.name, line.count) for line in explanation.lines] == [
        ("Prompt", 10), ("Response", 10), ("Images in the response", 1),
    ]  # fmt: skip
    assert explanation.charged == explanation.listed
    assert explanation.other == 0


def test_a_discount_is_shown_and_the_sum_is_exact(account, alice_client):
    request = make_request(account, discount_basis_points=100, prompt_tokens=1, completion_tokens=1)
    explanation = explain(request)
    # 150,000 + 600,000 pico-USD, less one per cent
    assert (explanation.listed, explanation.discount, explanation.charged) == (750_000, 7_500, 742_500)
    assert (explanation.waived, explanation.other) == (0, 0)
    assert "1% off" in alice_client.get(f"/activity/{request.pk}").content.decode()


def test_tokens_without_a_price_of_their_own_cost_what_the_others_cost(account):
    request = make_request(
        account, prompt_tokens=10, cached_tokens=4, completion_tokens=6, reasoning_tokens=5,
        price={"prompt": "0.000001", "completion": "0.000002"},
    )  # fmt: skip
    # Reasoning without a price of its own may be written as zero.
    request.price |= {"internal_reasoning": "0", "request": "0", "unheard_of": "9"}
    explanation = explain(request)
    assert explanation.listed == explanation.charged == 10 * 10**6 + 6 * 2 * 10**6


def test_a_free_model_shows_its_tokens_at_nothing(account):
    request = make_request(account, price={"prompt": "0", "completion": "0"}, prompt_tokens=7, completion_tokens=9)
    explanation = explain(request)
    assert [(line.count, line.amount) for line in explanation.lines] == [(7, 0), (9, 0)]
    assert explanation.charged == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"error_status": 502, "finish_reason": "error"}, "Provider error"),
        ({"completion_tokens": 0, "finish_reason": ""}, "empty response"),
        ({"state": Generation.State.RELEASED}, "interrupted on our side"),
    ],
)
def test_what_is_not_charged_has_a_reason(account, fields, words):
    explanation = explain(make_request(account, cost=0, **fields))
    assert explanation.charged == 0
    assert explanation.waived == explanation.listed > 0
    assert words in explanation.reason


def test_what_the_balance_could_not_cover_is_written_off(account, alice_client):
    whole = make_request(account).cost
    request = make_request(account, cost=whole - 1000, write_off=1000, hold=whole - 1000)
    explanation = explain(request)
    assert (explanation.listed, explanation.charged, explanation.written_off) == (whole, whole - 1000, 1000)
    assert (explanation.waived, explanation.other, explanation.returned) == (0, 0, 0)
    assert "You owe nothing" in alice_client.get(f"/activity/{request.pk}").content.decode()


def test_on_an_own_key_the_provider_bills_the_price_and_the_fee_is_ours(account, alice_client):
    listed = make_request(account).cost
    fields = {"byok_key_id": 5, "byok_cost": listed}
    request = make_request(account, cost=listed // 20, **fields)
    request.price = request.price | {"byok_fee": "0.05"}
    request.save()
    explanation = explain(request)
    assert (explanation.listed, explanation.billed_to_key, explanation.fee) == (listed, listed, listed // 20)
    assert explanation.charged == listed // 20
    assert (explanation.discount, explanation.waived, explanation.other, explanation.written_off) == (0, 0, 0, 0)
    page = alice_client.get(f"/activity/{request.pk}").content.decode()
    assert "To your own key" in page and "5% of the list price" in page
    free = explain(make_request(account, cost=0, **fields))
    assert (free.fee, free.fee_percent, free.charged, free.waived) == (0, "0", 0, 0)


def test_parts_whose_counts_are_not_kept_are_still_in_the_sum(account):
    request = make_request(account, cost=10**9, price={"prompt": "0", "completion": "0"})
    explanation = explain(request)
    assert (explanation.listed, explanation.other, explanation.charged) == (0, 10**9, 10**9)


def test_the_page_shows_counts_prices_hold_and_route(alice_client, account, key):
    request = make_request(
        account, key=key, prompt_tokens=2000, completion_tokens=100, upstream_id="chatcmpl-1", hold=10**12,
        reason="the next one",
        failed_attempts=[
            {"endpoint": "azure", "provider": "azure", "model": "openai/gpt-4o-mini", "status": 429,
             "latency_ms": 111, "reason": "the cheapest"},
        ],
    )  # fmt: skip
    html = alice_client.get(f"/activity/{request.pk}").content.decode()
    for text in ("2,000", "$0.15", "$0.0003", "$0.00036", "$1.00 was on hold", "$0.99964", "azure", "429",
                 "The cheapest", "chatcmpl-1", request.pk, "Laptop"):  # fmt: skip
        assert text in html, text


def test_the_page_of_a_running_request_says_so(alice_client, account):
    running = make_running(account, amount=3 * 10**9)
    html = alice_client.get(f"/activity/{running.pk}").content.decode()
    for text in ("Running", "$0.003 is on hold", "openai/gpt-4o-mini", "Counted when the response finishes"):
        assert text in html, text
    assert "No tokens" not in html


def test_a_running_request_of_somebody_else_is_not_found(charlie_client, account):
    assert charlie_client.get(f"/activity/{make_running(account).pk}").status_code == 404


def test_what_callers_send_along_is_shown_as_text(alice_client, account):
    nasty = "<img src=x onerror=alert(1)>"
    request = make_request(account, app=nasty, app_title=nasty, user_agent=nasty, session_id=nasty, external_user=nasty)
    assert nasty not in alice_client.get(f"/activity/{request.pk}").content.decode()
    assert nasty not in alice_client.get("/activity").content.decode()


def test_a_replayed_response_names_the_request_that_it_comes_from(alice_client, account):
    source = make_request(account)
    hit = make_request(
        account, response_cache_source_id=source.pk, provider="", endpoint="", prompt_tokens=0, completion_tokens=0
    )
    page = alice_client.get(f"/activity/{hit.pk}").content.decode()
    assert f'href="/activity/{source.pk}"' in page
    assert "Replayed from your response cache" in page
    assert "No provider was asked" in page
    assert "Replayed from your response cache" in alice_client.get("/activity").content.decode()
    assert "Replayed" not in alice_client.get(f"/activity/{source.pk}").content.decode()


def test_a_ranking_is_explained_by_its_search_units(account):
    request = make_request(
        account, api_type="rerank", search_units=3, prompt_tokens=0, completion_tokens=0, finish_reason="stop",
        price={"prompt": "0", "completion": "0", "request": "0.002"}, cost=6_000_000_000,
    )  # fmt: skip
    explanation = explain(request)
    [line] = explanation.lines
    assert (line.name, line.unit, line.count, line.amount) == ("Search", "search units", 3, Decimal("0.006"))
    assert explanation.listed == explanation.charged == request.cost
    assert (explanation.other, explanation.waived, explanation.reason) == (0, 0, "")
