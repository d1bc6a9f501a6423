"""The front page, for visitors and for members."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import User
from billing.models import CreditAccount
from gateway.models import Generation
from keys.models import ApiKey
from models_catalog import catalog
from models_catalog.models import Provider
from openrouter_site.pages import home
from tests.activity.factory import make_request, make_running
from tests.gateway.factory import CHEAP, FREE, endpoint, model

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(db):
    """Three models that can be served, one of them free; one hidden; one provider that serves nothing."""
    large = model("acme/large", name="Acme: Large", context_length=2_000_000, created=3)
    endpoint(large, "north", CHEAP, context_length=2_000_000)
    endpoint(large, "south", CHEAP)
    endpoint(model("acme/small", name="Acme: Small", created=2), "north", CHEAP)
    endpoint(model("acme/small:free", name="Acme: Small (free)", created=1), "south", FREE)
    endpoint(model("acme/unfinished", hidden=True), "north", CHEAP)
    Provider.objects.create(slug="idle", name="Idle")
    catalog.touch()


def page_of(client: Client) -> str:
    response = client.get(reverse("home"))
    assert response.status_code == 200
    return response.content.decode()


def test_the_figures_are_the_catalogues_own(client: Client, catalogue):
    page = page_of(client)
    figures = dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", page))
    assert figures == {"Models": "3", "Providers": "2", "Free models": "1", "Largest context, in tokens": "2M"}
    assert "Use 3 models" in page


def test_an_empty_catalogue_boasts_of_nothing(client: Client):
    page = page_of(client)
    assert "Catalog statistics" not in page and "Use every model" in page


def test_a_visitor_is_offered_a_key_and_the_models(client: Client, catalogue):
    page = page_of(client)
    assert f'href="{reverse("account_signup")}"' in page
    assert f'href="{reverse("models_catalog:models")}"' in page


def test_the_newest_models_are_linked(client: Client, catalogue):
    page = page_of(client)
    links = re.findall(r'<h3 class="truncate"><a href="([^"]+)">([^<]+)</a>', page)
    assert links == [("/acme/large", "Large"), ("/acme/small", "Small"), ("/acme/small:free", "Small (free)")]
    assert "$1.00" in page and "$2.00" in page  # per million, of CHEAP
    assert "unfinished" not in page


def test_the_samples_name_this_site_and_a_model_that_it_serves(client: Client, catalogue, settings):
    settings.SITE_URL = "https://relay.example"
    settings.DEFAULT_MODEL = "acme/small"
    page = page_of(client)
    assert page.count("https://relay.example/api/v1") >= 3
    assert page.count("acme/small&") + page.count('acme/small"') >= 3
    settings.DEFAULT_MODEL = "gone/away"
    assert "gone/away" not in page_of(client)


def test_hostile_text_in_the_catalogue_is_shown_as_text(client: Client):
    hostile = model("acme/evil", name="Acme: <script>alert(1)</script>", description="<img src=x onerror=alert(2)>")
    endpoint(hostile, "north", CHEAP)
    page = page_of(client)
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [(512, "512"), (8_192, "8.19K"), (128_000, "128K"), (1_000_000, "1M"), (1_048_576, "1.04M"), (10_000_000, "10M")],
)
def test_large_numbers_are_shortened_downwards(tokens: int, shown: str):
    from openrouter_site.templatetags.site import compact

    assert compact(tokens) == shown


# --- Members --------------------------------------------------------------------------------------


def progress_of(user: User) -> home.Progress:
    from billing import spending

    return home.progress(user, spending.account_of(access.open_personal_organisation(user)))


def test_a_newcomer_has_everything_before_them(db):
    user = User.objects.create_user("new@example.com", "a long enough passphrase")
    user.emailaddress_set.create(email=user.email, primary=True)
    progress = progress_of(user)
    assert (progress.done, progress.next, progress.complete) == (0, "verified", False)


def test_each_step_is_ticked_by_what_really_happened(alice: User, account: CreditAccount):
    assert progress_of(alice) == home.Progress(verified=True, bought=False, chatted=False, has_key=False)

    account.purchased = 1
    account.save()
    assert progress_of(alice).next == "chatted"

    make_request(account, source=Generation.Source.API)
    assert not progress_of(alice).chatted  # by API is not in the chatroom
    make_request(account, source=Generation.Source.CHAT)
    assert progress_of(alice).next == "has_key"

    key = ApiKey.objects.create(organisation=account.organisation, name="first", hash="0" * 64)
    assert progress_of(alice).complete
    key.is_management = True
    key.save()
    assert not progress_of(alice).has_key  # a management key cannot ask a model anything


def test_credit_that_was_given_is_not_bought(alice: User, account: CreditAccount):
    assert account.balance > 0 and not progress_of(alice).bought


def test_a_deleted_key_does_not_count(alice: User, account: CreditAccount):
    from common.clock import utc_now

    ApiKey.objects.create(organisation=account.organisation, name="gone", hash="1" * 64, deleted_at=utc_now())
    assert not progress_of(alice).has_key


def test_the_next_step_is_the_one_with_the_main_button(alice_client: Client, account: CreditAccount):
    page = page_of(alice_client)
    assert "1 of 4 done" in page
    assert re.search(rf'class="btn primary" href="{reverse("billing:credits")}">Buy credits', page)
    assert not re.search(rf'class="btn primary" href="{reverse("keys:keys")}"', page)


def test_the_time_for_a_refund_is_the_one_that_refunds_obey(alice_client: Client, account: CreditAccount, settings):
    assert "refundable for 24 hours, unless" in page_of(alice_client)
    settings.REFUND_WINDOW_HOURS = 48
    terms = alice_client.get(reverse("terms")).content.decode()
    assert "refundable for 48 hours, unless" in page_of(alice_client)
    assert "refundable within 48 hours of the purchase" in terms and "After 48 hours, credits" in terms


def test_somebody_unverified_can_ask_for_the_message_again(client: Client, db):
    user = User.objects.create_user("new@example.com", "a long enough passphrase")
    user.emailaddress_set.create(email=user.email, primary=True)
    client.force_login(user)
    page = page_of(client)
    assert f'action="{reverse("resend-verification")}"' in page and 'value="new@example.com"' in page


def test_the_steps_go_when_all_are_done(alice_client: Client, account: CreditAccount):
    account.purchased = 1
    account.save()
    make_request(account, source=Generation.Source.CHAT)
    ApiKey.objects.create(organisation=account.organisation, name="first", hash="2" * 64)
    assert "Next steps" not in page_of(alice_client)


def test_the_balance_and_the_month_are_the_accounts(alice_client: Client, account: CreditAccount):
    row = make_request(account, cost=1_250_000_000_000)
    page = page_of(alice_client)
    account.refresh_from_db()
    assert account.balance == 10 * 10**12 - row.cost
    assert page.count("$8.75") == 2  # in the bar and on the tile
    assert "<b>$1.25</b>" in page and "<b>1</b>" in page


def test_the_latest_requests_are_shown_with_their_cost(alice_client: Client, account: CreditAccount, catalogue):
    row = make_request(account, model="acme/large", cost=1_234_500_000)
    page = page_of(alice_client)
    assert reverse("activity:generation", args=[row.pk]) in page
    assert "Acme: Large" in page and "$0.001234" in page


def test_a_failed_request_says_so(alice_client: Client, account: CreditAccount):
    make_request(account, error_status=502, cost=0)
    assert '<span class="chip bad">Failed</span>' in page_of(alice_client)


def test_a_running_request_is_among_the_latest_and_has_no_cost_yet(alice_client: Client, account: CreditAccount):
    running = make_running(account, amount=5)
    page = alice_client.get("/").content.decode()
    row = page[page.index(running.pk) :].partition("</tr>")[0]
    assert "Running" in row
    assert "$" not in row


def test_only_the_five_latest_requests_are_shown(alice_client: Client, account: CreditAccount):
    for _ in range(7):
        make_request(account)
    assert page_of(alice_client).count('<td class="muted hide-sm"><time datetime') == 5


def test_a_member_sees_the_organisation_that_they_work_in(bob_client: Client, account: CreditAccount):
    row = make_request(account)
    page = page_of(bob_client)
    assert row.pk in page and "$10.00" in page


def test_an_outsider_sees_none_of_it(charlie_client: Client, account: CreditAccount):
    row = make_request(account)
    page = page_of(charlie_client)
    assert row.pk not in page and "No requests yet" in page and "$0.00" in page


def test_the_samples_use_the_organisations_default_model(alice_client: Client, account: CreditAccount):
    account.organisation.default_model = "acme/favourite"
    account.organisation.save()
    assert "acme/favourite" in page_of(alice_client)


def test_the_start_page_asks_the_database_little(alice_client, account, catalogue, django_assert_max_num_queries):
    for _ in range(5):
        make_request(account)
    page_of(alice_client)
    with django_assert_max_num_queries(16):
        page_of(alice_client)


def test_a_phone_shows_when_each_request_was(alice_client: Client, account: CreditAccount):
    make_request(account)
    assert re.search(r'<small class="only-sm[^"]*"><time [^>]+>(now|[^<]+ago)</time></small>', page_of(alice_client))


def test_the_front_page_of_a_production_site_mentions_no_simulation(client: Client, settings):
    settings.STRIPE_IS_SANDBOX, settings.SANDBOX_PROVIDERS_URL = False, ""
    page = client.get("/").content.decode().lower()
    assert not re.search("simulat|sandbox|test mode", page)


@pytest.mark.parametrize("path", ["/", "/models", "/settings/credits"])
def test_every_page_says_that_payments_are_in_test_mode(alice_client: Client, settings, path):
    settings.STRIPE_IS_SANDBOX, settings.SANDBOX_PROVIDERS_URL = False, ""
    assert "Test mode" not in alice_client.get(path).content.decode()
    settings.PAYMENTS_ARE_TESTS = True
    assert "Test mode: payments use test cards or test coins." in alice_client.get(path).content.decode()
