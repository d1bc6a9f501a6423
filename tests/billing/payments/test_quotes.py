"""The price of credits, and the amounts a form accepts."""

import pytest

from billing.payments import quotes
from billing.views.forms import QuoteForm, initial_amount

# The form asks Stripe for the methods that the account offers, and gives its connection back before it does.
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("cents", "fee"),
    [
        (500, 80),  # the minimum
        (1000, 80),
        (1454, 80),
        (1455, 80),  # 80.025 cents
        (1463, 80),  # 80.465
        (1464, 81),  # 80.52
        (1500, 83),  # 82.5: half a cent rounds up
        (1510, 83),  # 83.05
        (2500, 138),  # 137.5
        (10_000, 550),
        (33_333, 1833),
        (2_500_000, 137_500),
    ],
)
def test_the_fee_is_five_and_a_half_percent_but_at_least_eighty_cents(cents, fee):
    quote = quotes.quote(cents)

    assert quote.fee_cents == fee
    assert quote.total_cents == cents + fee
    assert quote.fee_basis_points == 550


def test_each_provider_has_its_own_fee():
    assert quotes.quote(1000, "coinbase").fee_cents == 50  # five percent, no minimum
    assert quotes.fee_rule("coinbase") == "5%"
    assert quotes.fee_rule("stripe") == "5.5%, at least $0.80"


def test_amounts_outside_the_limits_are_refused_with_the_remedy(settings):
    settings.PURCHASE_MINIMUM_CENTS, settings.PURCHASE_MAXIMUM_CENTS = 500, 100_000
    with pytest.raises(quotes.AmountRefused, match=r"Enter \$5\.00 or more"):
        quotes.quote(499)
    with pytest.raises(quotes.AmountRefused, match=r"maximum purchase is \$1,000\.00.*support@example\.com"):
        quotes.quote(100_001)
    assert quotes.quote(500).credit_cents == 500
    assert quotes.quote(100_000).credit_cents == 100_000


@pytest.mark.parametrize(
    ("text", "cents"),
    [("10", 1000), ("$12.50", 1250), (" 1,000 ", 100_000), ("7.", 700), ("14.5", 1450), ("0010", 1000)],
)
def test_amounts_are_read_as_people_type_them(text, cents):
    form = QuoteForm({"preset": "custom", "custom": text, "method": "card"})
    assert form.is_valid(), form.errors
    assert form.quote.credit_cents == cents


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Enter an amount in dollars."),
        ("ten", "for example 10 or 12.50"),
        ("-10", "for example 10 or 12.50"),
        ("1e3", "for example 10 or 12.50"),
        ("NaN", "for example 10 or 12.50"),
        ("٣٠", "for example 10 or 12.50"),
        ("10.001", "at most two decimals"),
        ("9" * 15, "smaller amount"),
        ("9" * 40, "at most 16 characters"),
        ("0", "minimum purchase"),
    ],
)
def test_an_invalid_amount_is_explained(text, message):
    form = QuoteForm({"preset": "custom", "custom": text, "method": "card"})
    assert not form.is_valid()
    assert message in str(form.errors["custom"])


def test_a_preset_wins_over_what_was_typed_before():
    form = QuoteForm({"preset": "25", "custom": "nonsense", "method": "alipay"})
    assert form.is_valid()
    assert form.quote.credit_cents == 2500


@pytest.mark.parametrize(
    ("amount", "filled"),
    [
        ("", {"preset": "10"}),
        ("25", {"preset": "25"}),
        ("25.00", {"preset": "25"}),
        ("37.5", {"preset": "custom", "custom": "37.50"}),
        ("1,234", {"preset": "custom", "custom": "1234.00"}),
        ("<b>", {"preset": "10"}),
    ],
)
def test_a_link_can_fill_in_the_amount(amount, filled):
    assert initial_amount(amount) == filled
