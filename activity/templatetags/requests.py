"""Filters of the lists of requests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django import template
from django.urls import reverse

from activity.dashboard.formats import seconds
from activity.names import app_name, provider_name
from common.money import PicoUsd, format_exact_usd
from common.templatetags.moments import in_log
from gateway.models import Generation

from .usage import speed

register = template.Library()


class Outcome(NamedTuple):
    """How a request ended: the color of its chip, if it has any, and the word in it."""

    css: str
    word: str


class Cells(NamedTuple):
    """A request as the texts of its row, empty where there is nothing to show. Of `title` and `app` one is empty."""

    pk: str
    address: str
    time: str
    model: str
    provider: str
    simulated: bool
    replayed: bool  # from the response cache
    title: str
    app: str
    key: str
    runs: bool
    tokens_in: str
    tokens_out: str
    cost: str
    speed: str
    latency: str
    css: str
    word: str


@register.filter
def outcome(request: Generation) -> Outcome:
    """Return how a request ended."""
    if request.state == Generation.State.OPEN:
        return Outcome("accent", "Running")
    if request.state == Generation.State.RELEASED:
        return Outcome("warn", "Interrupted")
    if request.error_status:
        return Outcome("bad", f"Error {request.error_status}")
    if request.cancelled:
        return Outcome("", "Stopped")
    is_usual = request.finish_reason in ("", "stop", "tool_calls")
    return Outcome("" if is_usual else "warn", request.finish_reason or "no response")


@register.filter
def cells(requests: Iterable[Generation]) -> Iterator[Cells]:
    """Yield the row of each request of a list. A page has fifty of them."""
    for request in requests:
        is_chat = request.source == Generation.Source.CHAT
        title = "" if is_chat else request.app_title
        app = "" if title else "Chat" if is_chat else app_name(request.app)
        yield Cells(
            request.pk,
            reverse("activity:generation", args=[request.pk]),
            in_log(request.created_at),
            request.model or request.requested_model,
            provider_name(request.provider),
            request.simulated,
            bool(request.response_cache_source_id),
            title,
            app,
            request.key.name if request.key else "",
            request.state == Generation.State.OPEN,
            f"{request.prompt_tokens:,}",
            f"{request.completion_tokens:,}",
            format_exact_usd(PicoUsd(request.cost)),
            speed(request),
            seconds(request.latency_ms),
            *outcome(request),
        )
