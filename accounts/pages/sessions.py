"""The page with the user's open sessions, and the acts that end them."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.sessions import open_sessions
from accounts.sign_in import notices
from common.web.http import AuthedRequest


@login_required
@require_GET
def sessions(request: AuthedRequest) -> HttpResponse:
    """The open sessions, the current one first."""
    found = open_sessions.of(request.user, request.session.session_key)
    others = any(not session.is_current for session in found)
    return render(request, "accounts/sessions.html", {"sessions": found, "others": others})


@login_required
@require_POST
def end(request: AuthedRequest, pk: int) -> HttpResponse:
    """End one of the user's other sessions; 404 for any other."""
    chosen = [session for session in _others(request) if session.pk == pk]
    if not chosen:
        raise Http404
    return _end(request, chosen)


@login_required
@require_POST
def end_others(request: AuthedRequest) -> HttpResponse:
    """End all sessions of the user but the current one."""
    return _end(request, _others(request))


def _others(request: AuthedRequest) -> list[open_sessions.OpenSession]:
    found = open_sessions.of(request.user, request.session.session_key)
    return [session for session in found if not session.is_current]


def _end(request: AuthedRequest, chosen: Sequence[open_sessions.OpenSession]) -> HttpResponse:
    if chosen:
        open_sessions.end(chosen)
        names = ", ".join(sorted(f"{session.device} ({session.address})" for session in chosen))
        facts = notices.seen_in(request) | {"count": str(len(chosen)), "devices": names}
        notices.send(request.user, "account/email/sessions_ended", facts)
    messages.success(
        request, "Signed out on 1 device." if len(chosen) == 1 else f"Signed out on {len(chosen)} devices."
    )
    return redirect("accounts:sessions")
