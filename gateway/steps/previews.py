"""Previews of what an account's settings do to requests, before one is sent: for pages and the chat."""

from gateway.callers import Caller, caller_as_saved
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing import health
from gateway.routing.offered import offered_to
from gateway.routing.plan import Plan
from gateway.routing.unavailable import excluded_endpoints, exclusion_reasons
from models_catalog import catalog
from models_catalog.catalog import Catalogue

from . import preparation

__all__ = ["caller_as_saved", "catalogue_for", "excluded_endpoints", "exclusion_reasons", "plan_of"]


def catalogue_for(caller: Caller) -> Catalogue:
    """The catalog with the models that provider keys of the caller's own make available; blocks."""
    return offered_to(caller.own_keys, catalog.current())


def plan_of(caller: Caller, request: ChatRequest) -> Plan:
    """The plan that the request would get now, by the planner of real ones. Nothing is sent, counted or held; blocks.

    Raises ApiError as planning does.
    """
    return preparation.preview(caller, request, catalog.current(), health.tracker.snapshot())
