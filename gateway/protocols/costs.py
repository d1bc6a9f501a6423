"""The provider's part of a response's cost, as every protocol reports it. Pure."""

from typing import Any

from common.money import as_usd
from gateway.events import Billed

__all__ = ["cost_details"]


def cost_details(billed: Billed, prompt: str = "prompt", completion: str = "completions") -> dict[str, Any]:
    """The `cost_details` of a `usage` object, in USD. `prompt` and `completion` are the protocol's names of the halves.

    `upstream_inference_cost` is what the provider bills a customer's own key at list price; null without one.
    `logging_discount` is what was taken off because prompt and response are stored; left out if they are not.
    """
    details = {
        "upstream_inference_cost": None if billed.byok_cost is None else as_usd(billed.byok_cost),
        f"upstream_inference_{prompt}_cost": as_usd(billed.prompt_cost),
        f"upstream_inference_{completion}_cost": as_usd(billed.completion_cost),
    }
    return details | {"logging_discount": as_usd(billed.discount)} if billed.discount else details
