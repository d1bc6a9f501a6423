"""Two stories told end to end, against the real processes: a newcomer's in a browser, a program's over the API.

Both are told twice: on the embedded stores (SQLite, files) and on those of production (PostgreSQL, Redis).
"""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
import requests
from openai import OpenAI
from playwright.sync_api import Page, expect

from tests.browser.people import account_of, mails_to
from tests.support.gates import Gate
from tests.support.processes import Site, wait_until

pytestmark = pytest.mark.parametrize("site", ["embedded", "production-like"], indirect=True)

EMAIL = "newcomer@example.com"
PASSWORD = "a newcomer's passphrase"
MODEL = "openai/gpt-4o-mini"


def dollars(text: str) -> Decimal:
    """The amount in a text that holds one."""
    found = re.search(r"\$([\d,]+(?:\.\d+)?)", text)
    assert found, f"no amount in {text!r}"
    return Decimal(found[1].replace(",", ""))


# --- A newcomer ---------------------------------------------------------------------------------------


def test_a_newcomer_signs_up_buys_credits_chats_and_finds_the_cost_in_activity(site: Site, page: Page):
    sign_up(site, page)
    verify_address(site, page)
    buy_ten_dollars(page)
    before = balance(site, page)
    assert before == Decimal("10.10")  # what was bought, and the allowance for a verified address

    cost = chat(site, page)
    assert balance(site, page) == before - cost
    find_in_activity(site, page, cost)

    key = make_key(site, page)
    use_the_key(site, key)


def sign_up(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{site.url}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")


def verify_address(site: Site, page: Page) -> None:
    wait_until(lambda: mails_to(site, EMAIL), "the mail with the link")
    [link] = re.findall(rf"{site.url}/account/confirm-email/\S+", mails_to(site, EMAIL)[0])
    page.goto(link)
    page.get_by_role("button", name="Verify email").click()
    page.goto(site.url)
    expect(page.get_by_text("1 of 4 done")).to_be_visible()


def buy_ten_dollars(page: Page) -> None:
    page.get_by_role("link", name="Buy credits").first.click()
    page.get_by_text("$10", exact=True).check()
    quote = page.locator("#quote")
    expect(quote).to_contain_text("$0.80")
    expect(quote).to_contain_text("$10.80")
    page.get_by_role("button", name="Pay $10.80").click()

    expect(page.get_by_text("$10.80").first).to_be_visible()  # the payment provider's own page
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expires").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("New Comer")
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()


def balance(site: Site, page: Page) -> Decimal:
    """The exact balance behind the rounded one that the page shows."""
    page.goto(f"{site.url}/settings/credits")
    shown = dollars(page.locator(".balance [data-balance]").inner_text())
    [(received, spent, held)] = site.rows(
        f"SELECT credits, usage, held FROM billing_creditaccount WHERE id = {account_of(site, EMAIL)}"
    )
    exact = Decimal(received - spent).scaleb(-12)
    assert held == 0
    assert abs(exact - shown) <= Decimal("0.005")
    return exact


def chat(site: Site, page: Page) -> Decimal:
    """Ask a model that was chosen by name, see the answer arrive and what it took. What it cost."""
    halfway = Gate(site.providers_url, after=20)
    page.context.set_extra_http_headers(halfway.headers)  # the page's socket brings them along
    page.get_by_role("link", name="Chat").first.click()
    page.wait_for_url(f"{site.url}/chat")
    page.locator("#models .choose").first.click()
    page.get_by_label("Search models").last.fill(MODEL)
    page.locator("#picker-list .pick").filter(has_text=MODEL).first.click()
    page.get_by_label("Message").fill("Write three paragraphs about lighthouses.")
    page.get_by_role("button", name="Send").click()

    answer = page.locator("article.answer")
    expect(answer).to_have_attribute("aria-busy", "true")
    wait_until(lambda: len(answer.locator(".answer-text").inner_text()) > 20, "the first words")
    early = len(answer.locator(".answer-text").inner_text())
    halfway.open()
    expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
    assert len(answer.locator(".answer-text").inner_text()) > early  # it arrived piece by piece

    meta = answer.locator("details.meta")
    expect(meta.locator("summary")).to_contain_text("tokens")
    meta.locator("summary").click()
    facts = dict(zip(meta.locator("dt").all_inner_texts(), meta.locator("dd").all_inner_texts(), strict=True))
    assert int(facts["Prompt"].split()[0]) > 0 and int(facts["Answer"].split()[0].replace(",", "")) > 20
    assert facts["Provider"].endswith("(simulated)")
    assert re.search(r"\d", facts["Time to first token"]) and re.search(r"\d", facts["Total time"])
    cost = dollars(facts["Cost"])
    assert cost > 0
    return cost


def find_in_activity(site: Site, page: Page, cost: Decimal) -> None:
    page.goto(f"{site.url}/activity")
    row = page.locator("table.requests tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(MODEL)
    expect(row).to_contain_text("Chat")
    assert dollars(row.inner_text()) == cost
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MODEL)
    charged = page.locator(".tile").filter(has_text="Charged").locator("b")
    assert dollars(charged.inner_text()) == cost


def make_key(site: Site, page: Page) -> str:
    page.goto(f"{site.url}/settings/keys")
    page.get_by_role("link", name="Create key").first.click()
    page.get_by_label("Name").fill("lighthouse program")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret")
    expect(secret).to_be_visible()
    key = secret.inner_text()
    page.goto(f"{site.url}/settings/keys")
    expect(page.get_by_role("link", name="lighthouse program")).to_be_visible()
    assert key not in page.content()  # shown once
    return key


def use_the_key(site: Site, key: str) -> None:
    """The newcomer's first program, as it stands in every quickstart."""
    client = OpenAI(base_url=f"{site.url}/api/v1", api_key=key)
    completion = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "What is the meaning of life?"}]
    )
    assert completion.choices[0].message.content
    account = account_of(site, EMAIL)
    [(sources,)] = site.rows(
        f"SELECT count(DISTINCT source) FROM gateway_generation WHERE state = 'settled' AND account_id = {account}"
    )
    assert sources == 2  # the chatroom's request and the program's stand in the same list


# --- A program ----------------------------------------------------------------------------------------


@pytest.fixture
def account(site: Site) -> dict[str, str]:
    """A verified account with $25 and a key."""
    made: dict[str, str] = json.loads(site.manage("demo_account", "--email", "program@example.com", "--json"))
    return made


def credits_of(site: Site, key: str) -> dict[str, Decimal]:
    reply = requests.get(f"{site.url}/api/v1/credits", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert reply.status_code == 200, reply.text
    data: dict[str, Decimal] = json.loads(reply.text, parse_float=Decimal, parse_int=Decimal)["data"]
    return data


def test_a_program_written_for_openai_works_and_pays_to_the_pico(site: Site, account: dict[str, str]):
    client = OpenAI(base_url=f"{site.url}/api/v1", api_key=account["api_key"])
    question: Any = [{"role": "user", "content": "What is the meaning of life?"}]
    headers = {"HTTP-Referer": "https://lighthouse.example", "X-Title": "Lighthouse"}
    spent_before = credits_of(site, account["management_key"])["total_usage"]

    whole = client.chat.completions.create(extra_headers=headers, model=MODEL, messages=question)
    assert whole.choices[0].message.content
    assert whole.usage and whole.usage.prompt_tokens > 0 and whole.usage.completion_tokens > 0

    chunks = list(client.chat.completions.create(model=MODEL, messages=question, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text and len(chunks) > 3
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    [streamed_usage] = [chunk.usage for chunk in chunks if chunk.usage]

    quickstart = requests.post(
        url=f"{site.url}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {account['api_key']}"},
        data=json.dumps({"model": MODEL, "messages": question}),
        timeout=60,
    )
    assert quickstart.status_code == 200 and "Content-Type" not in quickstart.request.headers
    without_type = json.loads(quickstart.text, parse_float=Decimal)
    assert without_type["choices"][0]["message"]["content"]

    # Three answers, three costs: together they are what the account has paid, to the last digit.
    costs = [Decimal(str(usage.to_dict()["cost"])) for usage in (whole.usage, streamed_usage)]
    costs.append(without_type["usage"]["cost"])
    assert all(cost > 0 for cost in costs)
    now = credits_of(site, account["management_key"])
    assert now["total_usage"] - spent_before == sum(costs)

    own = f"source = 'api' AND account_id = {account_of(site, account['email'])}"
    [(in_rows,)] = site.rows(f"SELECT sum(cost) FROM gateway_generation WHERE {own}")
    [(in_hours,)] = site.rows(f"SELECT sum(cost) FROM gateway_usagehour WHERE {own}")
    assert in_rows == in_hours
    ids = tuple(answer["id"] if isinstance(answer, dict) else answer.id for answer in (whole, chunks[0], without_type))
    [(of_these,)] = site.rows(f"SELECT sum(cost) FROM gateway_generation WHERE id IN {ids}")
    assert Decimal(int(str(of_these))).scaleb(-12) == sum(costs)
