"""The signed-in user of a socket.

A socket may stay open for days. The session is read again for every message, so that signing out, leaving an
organization or switching to another takes effect at once.
"""

from importlib import import_module
from typing import cast

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

from accounts import access
from accounts.models import Organisation, User
from common.web.http import AuthedRequest

__all__ = ["session_user"]


def session_user(session_key: str | None) -> tuple[User, Organisation] | None:
    """Return the session's user and current organization; None if the session is signed out."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    request.user = user
    return user, access.for_member(cast(AuthedRequest, request))
