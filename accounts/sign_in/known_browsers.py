"""The browsers that a user has signed in with before, so that a sign-in with another one is reported by email.

A browser keeps a signed cookie with a mark for each of its users. Without it, as in a private window, it counts as new.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

from . import notices
from .signals import new_browser

__all__ = ["COOKIE", "greet"]

COOKIE = "known-browser"
SALT = "accounts.known_browsers"
#: Seconds that a browser is known after its last sign-in: as long as browsers keep any cookie.
MAX_AGE = 400 * 24 * 60 * 60
#: Users of one browser; the one that signed in longest ago is forgotten.
USERS = 10
#: Everything that signs in is below it.
PATH = "/account/"


def greet(request: HttpRequest, response: HttpResponse, user: User, *, is_new_user: bool) -> None:
    """Make the browser that signs in known, and report it to the user if it was not. A new user needs no report."""
    own, marks = _mark(user), _marks(request)
    known = any(constant_time_compare(own, mark) for mark in marks)
    if not known and not is_new_user:
        new_browser.send(User, user=user, seen=notices.seen_in(request))
    marks = [own, *(mark for mark in marks if mark != own)][:USERS]
    response.set_cookie(
        COOKIE, signing.dumps(marks, salt=SALT), max_age=MAX_AGE, path=PATH, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def _mark(user: User) -> str:
    # Not an ID: others may use the browser later.
    return salted_hmac(SALT, user.public_id, algorithm="sha256").hexdigest()[:32]


def _marks(request: HttpRequest) -> list[str]:
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return []
    return [str(mark) for mark in found] if isinstance(found, list) else []
