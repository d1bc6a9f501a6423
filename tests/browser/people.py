"""People for tests against the running site: each test makes its own and enters with a session, without signing in."""

import json
import re
import uuid
from dataclasses import dataclass
from email import message_from_string, policy

from playwright.sync_api import Page

from tests.support.processes import Site

__all__ = ["Person", "account_of", "enter", "mails_to", "new_person"]

MAKE = """
import json
from importlib import import_module
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts import access
from accounts.models import User
from billing import spending
from billing.credits import ledger
from billing.models import LedgerEntry
from common.money import pico_from_cents
from keys import issuing
user = User.objects.create_user("{email}", None)
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
organisation = access.open_personal_organisation(user)
account = spending.account_of(organisation)
if {cents}:
    ledger.add(account, pico_from_cents({cents}), kind=LedgerEntry.Kind.GRANT, reference=f"test:{{account.pk}}")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
_, key = issuing.create(organisation, user, "Program")
print("MADE", json.dumps([user.email, account.pk, key, session.session_key]))
"""


@dataclass(frozen=True)
class Person:
    """A user with a verified address: their credit account's ID, the secret of a key, a session's key."""

    email: str
    account: int
    key: str
    session: str


def new_person(site: Site, *, cents: int = 2500) -> Person:
    email = f"person-{uuid.uuid4().hex[:12]}@example.com"
    printed = site.manage("shell", "--no-imports", "-c", MAKE.format(email=email, cents=cents))
    found = re.search(r"^MADE (.*)", printed, re.MULTILINE)
    assert found, printed
    return Person(*json.loads(found[1]))


def enter(page: Page, site: Site, person: Person, path: str) -> Page:
    """Open a page as this person."""
    page.context.add_cookies([{"name": "sessionid", "value": person.session, "url": site.url}])
    page.goto(site.url + path)
    return page


def mails_to(site: Site, address: str) -> list[str]:
    """Subject and text of the mails to an address, from what the processes that sent them have printed."""
    printed = [mail for mail in site.output().split("\n" + "-" * 79) if f"\nTo: {address}\n" in mail]
    sources = [mail[mail.index("Content-Type: multipart/") :] for mail in printed]
    mails = [message_from_string(source, policy=policy.default) for source in sources]
    return [f"Subject: {mail['Subject']}\n\n{mail.get_body(('plain',)).get_content()}" for mail in mails]


def account_of(site: Site, email: str) -> int:
    """The number of a person's credit account."""
    [(number,)] = site.rows(
        "SELECT a.id FROM billing_creditaccount a JOIN accounts_organisation o ON o.id = a.organisation_id"
        f" JOIN accounts_user u ON u.id = o.personal_of_id WHERE u.email = '{email}'"
    )
    return int(number)
