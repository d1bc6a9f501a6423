"""Deleting an account: what goes, what stays, and what is refused."""

import gzip
import logging

import pytest
from django.core import mail
from django.test import Client

from accounts import tasks
from accounts.deletion import closing, finishing
from accounts.models import AccountDeletion, LoggingConsent, Membership, Organisation, User
from activity import names
from billing import allowance, spending
from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry, Notice, ProviderErasure, Purchase, Receipt, SavedCard
from common.errors import NotAuthenticated
from gateway.models import ClassifiedDay, Generation, Hold, StoredContent, UsageHour
from keys.authentication import authenticate_sync
from tests.accounts.deletion.leaving_person import (
    EMAIL,
    OTHER_EMAIL,
    Person,
    age,
    agreement_of,
    make_person,
    places_with,
)
from tests.billing.conftest import _no_retry_delays, deliver, sandbox  # noqa: F401 fixtures
from tests.conftest import PASSWORD, make_user
from tests.gateway.accounting.test_settlement import settle

PAGE = "/settings/delete-account"


@pytest.fixture
def person(charlie, sandbox) -> Person:  # noqa: F811
    return make_person(charlie, sandbox)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def confirmed(user: User) -> Client:
    """A client whose user has just entered the password again."""
    client = Client()
    client.force_login(user)
    answer = client.post(f"/account/reauthenticate/?next={PAGE}", {"password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, PAGE)
    return client


def customers_at_provider(sandbox, person: Person) -> list[dict]:  # noqa: F811
    """The customers, as the provider knows them, of Ada's personal account and of Shared Works."""
    ids = (person.personal.stripe_customer_id, person.shared.stripe_customer_id)
    found = [sandbox.get(f"/v1/customers/{each}") for each in ids]
    return [{name: each[name] for name in ("email", "deleted") if name in each} for each in found]


def end_running(account: CreditAccount) -> None:
    """Let the running request of the account settle, in its process, which knows nothing of the deletion."""
    hold = Hold.objects.get(account=account)
    told = {"app": hold.app, "app_title": hold.app_title, "user_agent": hold.user_agent}
    Hold.objects.filter(pk=hold.pk).update(id="gen-1700000000-00000000000000000001")
    settle(
        account, 1, cost="0.01", key_id=hold.key_id, user_id=hold.user_id, model="acme/one",
        external_user=hold.external_user, session_id=hold.session_id, **told,
    )  # fmt: skip


def test_nothing_of_the_person_is_left_and_the_books_balance(person, committed, caplog, settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path)
    columns = "id,account_id,model,requested_model,app,app_title,user_agent,external_user,session_id"
    exported = f"{columns}\n1,{person.personal.pk},m,m,,,,{EMAIL},\n"
    Generation.objects.filter(account=person.personal).update(use="legal")
    ClassifiedDay.objects.create(account=person.personal, day="2026-11-18", app=EMAIL, model="m", use="legal")
    (tmp_path / "gateway_generation_2026_01.csv.gz").write_bytes(gzip.compress(exported.encode()))
    assert {each.partition(":")[0] for each in places_with(person.words)} >= {
        "table accounts_user", "table account_emailaddress", "table mfa_authenticator", "table keys_apikey",
        "table keys_authorizationcode", "table activity_savedview", "table presets_preset", "table billing_receipt",
        "table guardrails_guardrail", "table broadcast_destination",
        "table billing_billingdetails", "table billing_purchase", "table billing_savedcard", "table billing_autotopup",
        "table billing_notice", "table billing_providerevent", "table gateway_generation", "table gateway_usagehour",
        "table gateway_hold", "table gateway_feedback", "table gateway_storedcontent",
        "table django_admin_log", "table accounts_organisation",
    }  # fmt: skip
    paid = Purchase.objects.filter(account=person.personal, state="credited").values("credit_cents", "fee_cents").get()
    client = confirmed(person.user)
    assert "request it on the credits page first" in client.get(PAGE).content.decode()
    with caplog.at_level(logging.INFO), committed():
        answer = client.post(PAGE, {"email": f" {EMAIL.upper()} "})
        assert (answer.status_code, answer.url) == (302, "/account-deleted")
    deletion = AccountDeletion.objects.get()
    with caplog.at_level(logging.INFO):
        assert not finishing.finish(deletion.pk)
        deletion.refresh_from_db()
        assert deletion.waits_for == "running requests"
        end_running(person.personal)
        age(deletion)
        assert finishing.finish(deletion.pk)

    assert places_with(person.words) == set()
    assert not StoredContent.objects.exists() and not LoggingConsent.objects.exists()
    assert not ClassifiedDay.objects.exists() and not Generation.objects.exclude(use="").exists()
    kept = gzip.decompress(next(tmp_path.iterdir()).read_bytes()).decode()
    assert EMAIL not in kept and f"\n1,{person.personal.pk},m,m,,,,,\n" in kept
    assert not any(word in caplog.text.lower() for word in person.words)
    assert reconciliation.faults() == []
    purchase = Purchase.objects.get(account=person.personal, state="credited")
    assert {"credit_cents": purchase.credit_cents, "fee_cents": purchase.fee_cents} == paid
    assert purchase.receipt_number and purchase.receipt.issuer is not None
    account = CreditAccount.objects.get(pk=person.personal.pk)
    assert (account.balance, account.held) == (0, 0)
    assert LedgerEntry.objects.filter(account=account, kind="forfeit").count() == 2  # at once, and of the hold
    assert Generation.objects.filter(account=account).count() == 3
    assert sum(UsageHour.objects.filter(account=account).values_list("requests", flat=True)) == 3


def test_everything_stops_at_once_and_the_rest_lives_on(person, committed, charlie, sandbox):  # noqa: F811
    with committed():
        closing.close(person.user)
    person.user.refresh_from_db()
    assert not person.user.is_active and not person.user.has_usable_password()
    with pytest.raises(NotAuthenticated):
        authenticate_sync(f"Bearer {person.api_key}")
    assert not SavedCard.objects.exists()
    assert agreement_of(person.personal).is_on is agreement_of(person.shared).is_on is False
    account = CreditAccount.objects.get(pk=person.personal.pk)
    assert account.frozen_reason and account.auto_top_up_below is None and account.available == 0
    # Shared Works goes on with Charlie, who hears of its auto top-up, and is told nothing of Ada.
    shared = CreditAccount.objects.get(pk=person.shared.pk)
    assert not shared.frozen_reason and shared.balance == person.shared.balance
    assert [each.user for each in Membership.objects.filter(organisation=shared.organisation_id)] == [charlie]
    assert Notice.objects.filter(account=shared, user=charlie, subject="Auto top-up is off").exists()
    assert Receipt.objects.get(purchase__account=shared).email == ""
    named = names.names_of("user_id", [person.user.pk], shared.organisation)[person.user.pk]
    assert named == names.Name("Deleted user", person.user.public_id)

    assert finishing.finish(AccountDeletion.objects.get().pk) is False  # its request is still running
    assert customers_at_provider(sandbox, person) == [{"deleted": True}, {"email": "charlie@example.com"}]
    assert not ProviderErasure.objects.exists()
    for kind in ("customer.deleted", "payment_method.detached"):
        assert deliver(Client(), sandbox.event(kind)).status_code == 200
    assert {place.partition(":")[0] for place in places_with({person.personal.stripe_customer_id})} == set()
    assert mail.outbox[-1].to == [EMAIL]
    assert "was deleted" in mail.outbox[-1].subject


def test_a_provider_that_is_away_is_asked_again(person, sandbox, caplog):  # noqa: F811
    deletion = closing.close(person.user)
    for _ in range(2):
        sandbox.fail("refuse", path="/v1/customers", count=3)
        age(deletion)
        tasks.finish_deletions()
        deletion.refresh_from_db()
        assert deletion.waits_for == "the payment provider, running requests"
        assert finishing.finish(deletion.pk) is False  # not due yet
        assert not deletion.farewell_to and len(mail.outbox) == 1  # the confirmation is sent once
    assert not any(word in caplog.text.lower() for word in person.words)
    end_running(person.personal)
    late = User.objects.filter(pk=person.user.pk)  # what a request wrote that had begun before
    late.update(name="Ada Zebrafinch")
    CreditAccount.objects.filter(pk=person.personal.pk).update(stripe_customer_id=person.personal.stripe_customer_id)
    age(deletion)
    assert finishing.finish(deletion.pk)
    assert not late.get().name and not CreditAccount.objects.get(pk=person.personal.pk).stripe_customer_id
    assert customers_at_provider(sandbox, person) == [{"deleted": True}, {"email": "charlie@example.com"}]
    assert closing.close(person.user) == deletion and AccountDeletion.objects.count() == 1


def test_a_failure_in_the_transaction_changes_nothing(person, monkeypatch):
    monkeypatch.setattr(closing.erasing, "erase", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        closing.close(person.user)
    assert not AccountDeletion.objects.exists()
    assert SavedCard.objects.count() == 2 and authenticate_sync(f"Bearer {person.api_key}")
    assert "table accounts_user" in {each.partition(":")[0] for each in places_with({EMAIL})}


def test_the_confirmation_waits_for_the_mail_server_and_is_given_up_at_last(person, monkeypatch):
    monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda *_, **__: 1 / 0)
    deletion = closing.close(person.user)
    finishing.finish(deletion.pk)
    deletion.refresh_from_db()
    assert "the mail server" in deletion.waits_for and deletion.farewell_to
    assert EMAIL not in deletion.farewell_to
    AccountDeletion.objects.update(tries=finishing.MAIL_TRIES)
    age(deletion)
    finishing.finish(deletion.pk)
    deletion.refresh_from_db()
    assert not deletion.farewell_to


@pytest.mark.parametrize("address", [EMAIL, OTHER_EMAIL, "Ada.Zebrafinch+again@Example.com"])
def test_no_address_of_theirs_gets_a_second_allowance(db, address, settings):
    ada = make_user(EMAIL)
    ada.emailaddress_set.create(email=OTHER_EMAIL, verified=True)
    allowance.grant(ada, EMAIL)
    closing.close(ada)
    settings.ENCRYPTION_KEYS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key"
    again = make_user(address.lower())
    allowance.grant(again, address)
    assert spending.account_of(again.personal_organisation).credits == 0


def test_an_admin_of_others_hands_over_first(alice, bob, organisation, charlie):
    shared = Organisation.objects.create(name="Works & Co")
    Membership.objects.create(organisation=shared, user=charlie, role=Membership.Role.ADMIN)
    bobs = Membership.objects.create(organisation=shared, user=bob, role=Membership.Role.MEMBER)
    client = confirmed(charlie)
    page = client.get(PAGE).content.decode()
    assert "Works &amp; Co has other members. Make one of them an admin first." in page and "<form" in page
    assert client.post(PAGE, {"email": charlie.email}).status_code == 422
    assert not AccountDeletion.objects.exists()
    with pytest.raises(closing.Refused, match="personal organization alice has other members"):
        closing.close(alice)

    bobs.role = Membership.Role.ADMIN
    bobs.save()
    closing.close(charlie)
    assert [each.user for each in shared.memberships.all()] == [bob]


def test_an_organization_without_others_is_closed_too(charlie):
    own = Organisation.objects.create(name="Charlie & Sons")
    Membership.objects.create(organisation=own, user=charlie, role=Membership.Role.ADMIN)
    assert "Charlie &amp; Sons" in confirmed(charlie).get(PAGE).content.decode()
    deletion = closing.close(charlie)
    own.refresh_from_db()
    assert own.name == "Deleted account" and own in deletion.organisations.all()


def test_operators_keep_their_account(charlie):
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    with pytest.raises(closing.Refused, match="operator rights"):
        closing.close(charlie)


def test_the_page_asks_for_the_password_and_for_the_address(alice, account):
    fresh = Client()
    assert fresh.get(PAGE).url.startswith("/account/login/")
    fresh.force_login(alice)
    for answer in (fresh.get(PAGE), fresh.post(PAGE, {"email": alice.email})):
        assert answer.url.startswith("/account/reauthenticate/")
    client = confirmed(alice)
    page = client.get(PAGE).content.decode()
    assert "$10.00 in unused credits. They can&#x27;t be reclaimed." in page
    wrong = client.post(PAGE, {"email": "bob@example.com"})
    assert wrong.status_code == 422 and "isn&#x27;t the primary email address" in wrong.content.decode()
    assert not AccountDeletion.objects.exists()

    assert client.post(PAGE, {"email": alice.email}).url == "/account-deleted"
    done = client.get("/account-deleted").content.decode()
    assert "Account deleted" in done and not client.cookies["sessionid"].value
    assert client.get("/settings/profile").url.startswith("/account/login/")
    assert Client().post("/account/login/", {"login": "alice@example.com", "password": PASSWORD}).status_code == 200
    make_user("alice@example.com")  # the address is free again
