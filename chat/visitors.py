"""Who is at the other end of a socket.

A socket may stay open for days: the session is read again for every question, so that signing out,
leaving an organisation or switching to another one takes effect at once.
"""

from importlib import import_module
from typing import cast

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

from accounts import access
from accounts.models import Organisation, User
from common.http import AuthedRequest

__all__ = ["visitor"]


def visitor(session_key: str | None) -> tuple[User, Organisation] | None:
    """The person signed in with this session and the organisation they work in; None for nobody."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    request.user = user
    return user, access.for_member(cast(AuthedRequest, request))
