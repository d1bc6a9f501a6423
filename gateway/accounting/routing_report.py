"""The router's decisions about one request, as `openrouter_metadata` tells them. Pure."""

from typing import TYPE_CHECKING, Any

from common.money import as_usd

from .pricing import cost_of, search_parts

if TYPE_CHECKING:
    from .metering import Meter

__all__ = ["routing_report"]


def routing_report(meter: "Meter") -> dict[str, Any]:
    """Return the plan, and the attempts so far with their HTTP status."""
    served, plan = meter.attempt, meter.plan
    chosen, own = (served.endpoint.tag, served.own) if served else ("", None)
    tried = [(attempt, status) for attempt, status, _ in meter.failed_attempts]
    if served is not None:
        tried.append((served, 200))
    return {
        "requested": plan.requested_model,
        "strategy": plan.strategy,
        "region": None,
        "summary": " -> ".join(f"{attempt.endpoint.provider_name} ({status})" for attempt, status in tried),
        "attempt": len(tried),
        "is_byok": served is not None and served.own is not None,
        "endpoints": {
            "total": plan.considered,
            "available": [
                {
                    "provider": attempt.endpoint.provider_name,
                    "model": attempt.model.id,
                    "selected": attempt.endpoint.tag == chosen and attempt.own == own,
                    "reason": attempt.reason,
                }
                for attempt in plan.attempts
            ],
        },
        "attempts": [
            {"provider": attempt.endpoint.provider_name, "model": attempt.model.id, "status": status}
            for attempt, status in tried
        ],
        **_pipeline(meter),
    }


def _pipeline(meter: "Meter") -> dict[str, Any]:
    """The plugins that change the request before it is routed, or its response."""
    row = meter.generation
    stages: list[dict[str, Any]] = []
    if row.web_search_engine:
        summary = f"{row.web_search_results} results from {row.web_search_engine}"
        cost = as_usd(cost_of(search_parts(row.price, row.web_search_results)))
        stages.append({"type": "plugin", "name": "web", "summary": summary, "cost_usd": cost})
    if meter.request.heals_json:
        summary = "JSON with faults in the response is mended"
        stages.append({"type": "response_healing", "name": "response-healing", "summary": summary})
    return {"pipeline": stages} if stages else {}
