"""Limits on guessing: a stranger is slowed down, and the owner is neither locked out nor left in the dark."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.sign_in import guessing
from tests.accounts.helpers import add_app, links_in, recovery_codes, sign_in, totp
from tests.conftest import PASSWORD, signed_in

from .test_password_reset import request_reset, reset_link, set_password
from .test_sign_in import signed_in_as

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prompt_worker")]

ALICE = "alice@example.com"
LIMITED = "Too many failed attempts"


@pytest.fixture(autouse=True)
def _quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a millisecond passes with each look at the clock: no budget refills because the machine is busy."""
    start, looks = time.time(), itertools.count()
    monkeypatch.setattr(time, "time", lambda: start + next(looks) / 10_000)


def at(address: str) -> Client:
    """A browser at this address."""
    return Client(REMOTE_ADDR=address)


def guess(address: str, email: str = ALICE, password: str = "a guess") -> bool:
    """Sign in with a wrong password; return whether it was checked at all."""
    response = sign_in(at(address), email, password)
    return response.status_code == 200 and LIMITED not in response.content.decode()


def mails_about_attempts() -> list[mail.EmailMessage]:
    return [message for message in mail.outbox if "Failed attempts" in message.subject]


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Move the clock that limits and the cache in memory read."""
    before = time.time
    monkeypatch.setattr(time, "time", lambda: before() + seconds)


def test_a_stranger_at_one_address_is_stopped_and_the_owner_at_another_signs_in(alice: User):
    checked = [guess("203.0.113.7") for _ in range(20)]
    assert checked == [True] * 5 + [False] * 15
    owner = at("192.0.2.1")
    sign_in(owner, ALICE, PASSWORD)
    assert signed_in_as(owner) == str(alice.pk)


def test_the_stranger_may_not_even_try_the_right_password(alice: User):
    for _ in range(5):
        guess("203.0.113.7")
    stranger = at("203.0.113.7")
    assert LIMITED in sign_in(stranger, ALICE, PASSWORD).content.decode()
    assert signed_in_as(stranger) is None


def test_the_owner_signs_in_while_sixty_addresses_hammer(alice: User):
    checked = sum(guess(f"203.0.113.{number % 60}") for number in range(180))
    assert 60 <= checked <= 60 + guessing.ATTACKED_AT  # one from each; two before the account counted as attacked
    owner = at("192.0.2.1")
    sign_in(owner, ALICE, PASSWORD)
    assert signed_in_as(owner) == str(alice.pk)


def test_the_owner_may_mistype_once_during_an_attack_and_try_again_soon(alice: User, monkeypatch):
    for number in range(guessing.ATTACKED_AT):
        guess(f"203.0.113.{number}")
    assert guess("192.0.2.1")
    owner = at("192.0.2.1")
    assert LIMITED in sign_in(owner, ALICE, PASSWORD).content.decode()
    later(monkeypatch, 61)
    sign_in(owner, ALICE, PASSWORD)
    assert signed_in_as(owner) == str(alice.pk)


def test_a_network_of_ipv6_addresses_counts_as_one(alice: User):
    assert sum(guess(f"2001:db8:1:2::{number:x}") for number in range(1, 20)) == 5
    assert guess("2001:db8:1:3::1")


def test_one_address_guessing_at_many_accounts_is_stopped(alice: User):
    assert sum(guess("203.0.113.7", f"person{number}@example.com") for number in range(45)) == 10
    assert guess("203.0.113.8", "person1@example.com")


@pytest.mark.parametrize("email", [ALICE, "ALICE@example.com ", "unknown@example.com"])
def test_the_limit_is_the_same_for_every_spelling_and_without_an_account(alice: User, email: str):
    assert sum(guess("203.0.113.7", email) for _ in range(8)) == 5
    assert not guess("203.0.113.7", email.strip().lower())


def test_a_budget_refills_ever_slower(alice: User, monkeypatch):
    checked = []
    for _ in range(6):
        checked.append(sum(guess("203.0.113.7") for _ in range(8)))
        later(monkeypatch, 6 * 60)
    assert checked == [5, 5, 5, 0, 0, 0]  # 15 in an hour


def test_signing_in_costs_nothing(alice: User):
    for _ in range(12):
        client = at("192.0.2.1")
        sign_in(client, ALICE, PASSWORD)
        assert signed_in_as(client)


def test_guesses_at_the_same_moment_cannot_pass_together():
    together = threading.Barrier(20)

    def begin(_: int) -> bool:
        together.wait()
        try:
            guessing.begin(RequestFactory().post("/"), ALICE, guessing.Secret.PASSWORD)
        except ValidationError:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(begin, range(20))) <= 5


# --- Telling the owner ----------------------------------------------------------------------------


def test_the_owner_gets_one_email_for_a_burst(alice: User):
    for _ in range(guessing.TELL_OWNER_AT - 1):
        guess("203.0.113.7")
    assert mails_about_attempts() == []
    for number in range(40):
        guess(f"203.0.113.{number}")
    [message] = mails_about_attempts()
    assert message.to == [ALICE]
    assert "5 times" in message.body and "203.0.113" in message.body
    assert reverse("account_reset_password") in links_in(message)


@pytest.mark.skipif(bool(settings.REDIS_URL), reason="Redis has a clock of its own")
def test_a_later_burst_is_reported_again(alice: User, monkeypatch):
    for bursts in (1, 2):
        for number in range(10):
            guess(f"203.0.113.{number}")
        assert len(mails_about_attempts()) == bursts
        later(monkeypatch, guessing.QUIET + 60)


def test_no_email_goes_to_an_address_without_an_account():
    for number in range(20):
        guess(f"203.0.113.{number}", "unknown@example.com")
    assert mail.outbox == []


def test_no_email_goes_to_an_address_that_was_never_verified(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    user = User.objects.create_user("victim@example.com", PASSWORD)
    user.emailaddress_set.create(email=user.email, primary=True)
    for number in range(20):
        guess(f"203.0.113.{number}", user.email)
    assert mail.outbox == []


def test_a_broken_broker_does_not_break_signing_in(alice: User):
    current_app.conf.task_always_eager = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app, "_local", threading.local())  # drops the open connection to the broker
        patch.setitem(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
        assert [guess(f"203.0.113.{number}") for number in range(6)] == [True] * 6


# --- The same for everything else that can be guessed -------------------------------------------------


def test_resetting_the_password_lets_the_owner_in_at_the_same_address(alice: User):
    for _ in range(6):
        guess("192.0.2.1")
    owner = at("192.0.2.1")
    request_reset(owner, ALICE)
    set_password(owner, reset_link())
    sign_in(owner, ALICE, "another long passphrase")
    assert signed_in_as(owner) == str(alice.pk)


def test_the_current_password_cannot_be_guessed_in_a_session_left_open(alice: User):
    client = signed_in(alice)
    url, new = reverse("account_change_password"), "another long passphrase"
    for number in range(8):
        page = client.post(url, {"oldpassword": f"guess {number}", "password1": new, "password2": new}).content.decode()
        assert (LIMITED in page) == (number >= 5)
    client.post(url, {"oldpassword": PASSWORD, "password1": new, "password2": new})
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_confirming_an_identity_has_the_same_limit(alice: User):
    client = signed_in(alice)
    pages = [
        client.post(reverse("account_reauthenticate"), {"password": f"guess {number}"}).content.decode()
        for number in range(8)
    ]
    assert [LIMITED in page for page in pages] == [False] * 5 + [True] * 3
    elsewhere = at("192.0.2.1")
    elsewhere.force_login(alice)
    assert elsewhere.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302


def enter_code(client: Client, code: str) -> str:
    return client.post(reverse("mfa_authenticate"), {"code": code}, follow=True).content.decode()


def test_a_stranger_who_knows_the_password_cannot_guess_codes_nor_lock_the_owner_out(alice: User):
    secret = add_app(alice)
    stranger = at("203.0.113.7")
    sign_in(stranger, ALICE, PASSWORD)
    pages = [enter_code(stranger, f"{number:06d}") for number in range(8)]
    assert [LIMITED in page for page in pages] == [False] * 5 + [True] * 3
    owner = at("192.0.2.1")
    sign_in(owner, ALICE, PASSWORD)
    enter_code(owner, totp(secret))
    assert signed_in_as(owner) == str(alice.pk)
    [message] = mail.outbox
    assert message.subject.startswith("Someone knows your") and message.to == [ALICE]


def test_codes_have_a_limit_over_all_addresses_that_a_new_password_lifts(alice: User):
    add_app(alice)
    checked = 0
    for number in range(1, 12):
        stranger = at(f"203.0.113.{number}")
        sign_in(stranger, ALICE, PASSWORD)
        checked += sum(LIMITED not in enter_code(stranger, f"{code:06d}") for code in range(5))
    assert checked <= 30
    owner = at("192.0.2.1")
    request_reset(owner, ALICE)
    set_password(owner, reset_link())
    sign_in(owner, ALICE, "another long passphrase")
    enter_code(owner, recovery_codes(alice)[0])
    assert signed_in_as(owner) == str(alice.pk)


def test_a_right_code_does_not_refill_the_address_for_guessing_at_others(alice: User):
    secret = add_app(alice)
    for number in range(8):
        guess("203.0.113.7", f"person{number}@example.com")
    client = at("203.0.113.7")
    sign_in(client, ALICE, PASSWORD)
    enter_code(client, totp(secret))
    assert signed_in_as(client)
    assert sum(guess("203.0.113.7", f"other{number}@example.com") for number in range(8)) == 2


def test_strangers_cannot_fill_a_mailbox_nor_use_up_the_owners_reset(alice: User):
    for number in range(30):
        request_reset(at(f"203.0.113.{number}"), ALICE)
    assert len(mail.outbox) == 5
    owner = at("192.0.2.1")
    assert request_reset(owner, ALICE).status_code == 302  # the page is the same, and the last link works
    set_password(owner, reset_link())
    sign_in(owner, ALICE, "another long passphrase")
    assert signed_in_as(owner) == str(alice.pk)
    request_reset(owner, ALICE)
    assert mail.outbox[-1].subject.startswith("Choose a new password")
