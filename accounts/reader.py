"""The user who reads a page or an email: their time zone and date format, for `common.display.moments`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from common.display import moments

from .models import User

__all__ = ["ReaderOfPages", "reading"]


def reading(user: User | None) -> AbstractContextManager[None]:
    """Write moments for this user; in UTC for None."""
    reader = _reader(user)
    return moments.reading(lambda: reader)


class ReaderOfPages:
    """Writes the moments of a page for its user. A page without any does not ask for the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with moments.reading(cache(lambda: _reader(request.user))):
            return self.get_response(request)


def _reader(user: Any) -> moments.Reader:
    if not isinstance(user, User):  # signed out
        return moments.Reader()
    order = user.date_format if user.date_format in moments.DATE_ORDERS else User.DateFormat.DAY_FIRST.value
    return moments.Reader(user.zone, order)
