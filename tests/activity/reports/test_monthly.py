"""The report of a month: its sums are the rollups', its balance is the ledger's, and so on every medium."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.reports.monthly import month_report
from activity.reports.spans import Month
from billing import spending
from billing.models import CreditAccount, LedgerEntry
from common.money import PicoUsd, format_exact_usd
from gateway.accounting.rollups import roll_up
from keys import issuing
from tests.activity.factory import make_request, make_requests
from tests.support.pdf_text import lines_of_pages

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 12, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today(clock) -> None:
    clock.set(NOW)


def book(account: CreditAccount, at: datetime, amount: int, kind: str = "grant") -> LedgerEntry:
    """Write a ledger entry of that time."""
    CreditAccount.objects.filter(pk=account.pk).update(credits=account.credits + amount)
    account.refresh_from_db()
    reference = f"entry:{LedgerEntry.objects.count()}"
    return LedgerEntry.objects.create(
        account=account, kind=kind, reference=reference, amount=amount, credits_after=account.credits, created_at=at
    )


@pytest.fixture
def opened(organisation) -> CreditAccount:
    """An account since October, with a grant in October and a purchase in November."""
    account = spending.account_of(organisation)
    CreditAccount.objects.filter(pk=account.pk).update(created_at=NOVEMBER - timedelta(days=20))
    account.refresh_from_db()
    book(account, NOVEMBER - timedelta(days=3), 20 * 10**12)
    book(account, NOVEMBER, 5 * 10**12 + 1, "purchase")
    return account


def figures(report) -> list[str]:
    """The sums of every table, in order."""
    sums = [sums for each in report.breakdowns for sums in (*(row[1] for row in each.rows), each.total)]
    return [format_exact_usd(PicoUsd(each.cost)) for each in sums]


def test_a_month_names_the_discounts_on_logged_requests(alice_client, opened):
    request = make_request(opened, NOVEMBER, discount_basis_points=100)
    make_request(opened, DECEMBER, discount_basis_points=100)
    assert request.discount * 99 == request.cost
    words = f"Usage is after {format_exact_usd(PicoUsd(request.discount))} of discounts on logged requests."
    roll_up()
    assert words in alice_client.get("/activity/reports/2026-11").content.decode()
    pages = lines_of_pages(alice_client.get("/activity/reports/2026-11.pdf").content)
    assert words in [text for page in pages for line in page for text in line]
    make_request(opened, NOVEMBER - timedelta(days=5))
    assert "discounts" not in alice_client.get("/activity/reports/2026-10").content.decode()


def test_a_month_has_the_requests_that_began_in_it(alice_client, alice, bob, opened, key):
    make_request(opened, NOVEMBER - timedelta(microseconds=1), cost=11)
    make_request(opened, NOVEMBER, key=key, user=alice, cost=13)
    make_request(opened, DECEMBER - timedelta(microseconds=1), user=bob, model="acme/beta", cost=17)
    make_request(opened, DECEMBER, cost=19)
    page = alice_client.get("/activity/reports/2026-11")
    report = page.context["report"]
    assert [[(name, sums.cost) for name, sums in each.rows] for each in report.breakdowns] == [
        [("acme/beta", 17), ("openai/gpt-4o-mini", 13)],
        [("Chat", 17), ("Laptop", 13)],
        [("bob@example.com", 17), ("alice@example.com", 13)],
    ]
    assert report.total.before.cost == 11
    statement = report.statement
    assert (statement.opening, statement.credits, statement.usage) == (20 * 10**12 - 11, 5 * 10**12 + 1, 30)
    assert statement.closing == 25 * 10**12 + 1 - 41
    text = page.content.decode()
    assert all(figure in text for figure in figures(report))
    for shown in ("Purchase (1)", "$5.000000000001", "$19.999999999989", "$24.99999999996", "calendar months in UTC"):
        assert shown in text


def test_the_pdf_says_what_the_page_says(alice_client, opened, key):
    make_requests(opened, [{"created_at": NOVEMBER, "model": f"acme/{n}", "cost": 10**9 + n} for n in range(250)])
    make_request(opened, NOVEMBER, key=key, cost=7, prompt_tokens=10**9)
    page = alice_client.get("/activity/reports/2026-11")
    report = page.context["report"]
    answer = alice_client.get("/activity/reports/2026-11.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="usage-2026-11.pdf"'
    summary, *pages = lines_of_pages(answer.content)
    assert ["Usage in November 2026"] in summary
    assert ["Spend", format_exact_usd(PicoUsd(report.total.total.cost))] in summary
    assert ["Opening balance", "$20.00"] in summary
    assert ["Purchase (1)", "$5.000000000001"] in summary
    assert ["Closing balance", format_exact_usd(PicoUsd(report.statement.closing))] in summary
    lines = [line for each in pages for line in each]
    spent = [line[1] for line in lines if len(line) == 5 and line[1].startswith("$")]
    others = format_exact_usd(PicoUsd(report.total.rest.cost))
    assert report.total.others == 51 and ["51 others", others, "51", "1,000,050,000", "10,200"] in lines
    assert len([line for line in lines if line[0].startswith("acme/")]) == 200
    assert [figure for figure in spent if figure != others] == figures(report)
    assert "51 others" in page.content.decode()


@pytest.mark.parametrize("fonts", ["Liberation", "Helvetica"])
def test_names_in_any_script_make_a_pdf(alice_client, alice, opened, organisation, fonts, settings, tmp_path):
    if fonts == "Helvetica":
        settings.NODE_MODULES = tmp_path
    organisation.name = "Ünï \u202egnp.exe 😀 {nb} **x** \\ ) ("
    organisation.save()
    names = (
        "Привет, Ελλάδα",
        "שלום עולם مرحبا",
        "日本語 🇺🇦👩‍👩‍👧",
        "e\u0301 \ud7ff\uffff\U0010fffd",
        "x" * 100,
        "-",
        "\t=1",
    )
    for name in names:
        make_request(opened, NOVEMBER, key=issuing.create(organisation, alice, name)[0], model=name, cost=3)
    for path in ("/activity/reports/2026-11.pdf", "/activity/usage.pdf?by=key&period=12mo"):
        pages = lines_of_pages(alice_client.get(path).content)
        lines = [line[0] for page in pages for line in page]
        assert ("Привет, Ελλάδα" in lines) == (fonts == "Liberation")
        assert "Characters that the font of this document lacks are shown as ?" in lines
        assert any(re.fullmatch("x{20,}\\.\\.\\.", line) for line in lines)
        assert not re.search("[\u202e\u200d]", "".join(lines))


def test_members_see_usage_and_balance_but_no_purchases(bob_client, charlie_client, opened):
    make_request(opened, NOVEMBER, cost=23)
    text = bob_client.get("/activity/reports/2026-11").content.decode()
    assert "$20.00" in text and "$5.000000000001" in text and "Purchase" not in text
    pdf = lines_of_pages(bob_client.get("/activity/reports/2026-11.pdf").content)
    assert ["Credits", "$5.000000000001"] in pdf[0]
    assert "Purchase (1)" not in [line[0] for line in pdf[0]]
    assert "No usage in this month." in charlie_client.get("/activity/reports/2026-12").content.decode()


@pytest.mark.parametrize("name", ["2026-09", "2027-01", "2026-13", "2026-00", "0000-01", "9999-12"])
def test_there_is_no_report_of_other_months(alice_client, opened, name):
    assert alice_client.get(f"/activity/reports/{name}").status_code == 404
    assert alice_client.get(f"/activity/reports/{name}.pdf").status_code == 404


def test_months_lead_to_each_other(alice_client, opened):
    assert alice_client.get("/activity/reports")["Location"] == "/activity/reports/2026-12"
    text = alice_client.get("/activity/reports/2026-12").content.decode()
    assert "so far" in text and 'rel="next"' not in text
    assert 'rel="prev" href="/activity/reports/2026-11"' in text
    text = alice_client.get("/activity/reports/2026-10").content.decode()
    assert 'rel="prev"' not in text and 'rel="next" href="/activity/reports/2026-11"' in text
    assert "No usage in this month." in text


def test_the_view_as_pdf_has_the_pages_filters_and_sums(alice_client, opened, key):
    make_request(opened, NOW, key=key, model="acme/alpha", cost=31)
    make_request(opened, NOW, model="acme/beta", cost=37)
    query = {"model": "acme/alpha", "by": "key", "show": "requests", "period": "7d"}
    summary, groups = lines_of_pages(alice_client.get("/activity/usage.pdf", query).content)
    assert ["Usage: 7 days"] in summary and ["Model", "acme/alpha"] in summary
    assert ["From 14 Dec 2026, 00:00 UTC to 20 Dec 2026, 09:30 UTC."] in summary
    assert ["Spend", "$0.000000000031"] in summary and ["Requests", "1"] in summary
    assert ["Laptop", "$0.000000000031", "1", "1,000", "200"] in groups


HOURS = int((NOW - NOVEMBER).total_seconds()) // 3600
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["grant", "purchase", "refund", "usage", "usage"]),
        st.integers(min_value=1, max_value=10**13),
        st.integers(min_value=-800, max_value=HOURS),
    ),
    max_size=15,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, rolled=st.booleans())
def test_months_add_up_to_the_balance_to_the_pico(alice, organisation, events, rolled):
    """Each month closes with what it opened with and what happened in it, and the next one opens with that."""
    account = spending.account_of(organisation)
    with transaction.atomic():
        cache.clear()  # the numbers of rows begin again when an example is rolled back
        CreditAccount.objects.filter(pk=account.pk).update(frozen_reason="a test may overdraw it")
        account.refresh_from_db()
        for kind, amount, hours in events:
            at = NOVEMBER + timedelta(hours=hours)
            if kind == "usage":
                make_request(account, at, cost=amount)
            else:
                book(account, at, -amount if kind == "refund" else amount, kind)
        if rolled:
            roll_up()
        account.refresh_from_db()
        booked = sum(LedgerEntry.objects.filter(account=account).values_list("amount", flat=True))
        before = 0
        for report in reports_of(alice):
            statement = report.statement
            assert statement.opening == before
            assert statement.credits == sum(line.amount for line in statement.lines)
            assert statement.usage == sum(sums.cost for _, sums in report.total.rows)
            before = statement.opening + statement.credits - statement.usage
            assert statement.closing == before
        assert before == booked - account.usage
        transaction.set_rollback(True)


def reports_of(user) -> Iterator:
    """The reports of all months of a user's own organization, oldest first."""
    organisation, month = user.personal_organisation, Month(2026, 12)
    last = month_report(organisation, user, month, NOW)
    assert last
    for each in reversed(last.months):
        report = month_report(organisation, user, each, NOW)
        assert report
        yield report
