"""Records when a session was last seen, from where and with which browser, at most once in some minutes."""

import logging
from collections.abc import Callable
from threading import Lock

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from common import clock

__all__ = ["SessionsSeen"]

log = logging.getLogger(__name__)

#: Seconds in which a process records a session once.
INTERVAL = 300.0
#: Sessions that a process remembers to have recorded; when there are more, it forgets them all.
REMEMBERED = 20_000
_AGENT_LENGTH = UserSession._meta.get_field("user_agent").max_length


class SessionsSeen:
    """Middleware: after a page that asked for its user. A page must not fail, and need not wait, for this."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._recorded: dict[str, float] = {}
        self._lock = Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session = request.session
        if session.accessed and session.session_key and SESSION_KEY in session and self._is_due(session.session_key):
            try:
                _record(request)
            except Exception:  # no reason to refuse the page
                log.warning("A session was not recorded", exc_info=True)
        return response

    def _is_due(self, key: str) -> bool:
        now = clock.utc_now().timestamp()
        with self._lock:
            if now - self._recorded.get(key, float("-inf")) < INTERVAL:
                return False
            if len(self._recorded) >= REMEMBERED:
                self._recorded.clear()
            self._recorded[key] = now
        return True


def _record(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        return
    adapter = get_adapter()
    now = clock.utc_now()
    client = {
        "ip": adapter.get_client_ip(request),
        "user_agent": adapter.get_http_user_agent(request)[:_AGENT_LENGTH],
    }
    session = {"session_key": str(request.session.session_key), "user_id": request.user.pk}
    if not UserSession.objects.filter(**session).update(last_seen_at=now, **client):
        row = UserSession(created_at=now, last_seen_at=now, **session, **client)
        UserSession.objects.bulk_create([row], ignore_conflicts=True)
