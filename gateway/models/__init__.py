"""The tables of the gateway: requests and what is counted of them."""

from .requests import (
    DroppedRequests,
    EndpointMinute,
    Feedback,
    GatewayProcess,
    Generation,
    Hold,
    ProviderSpend,
)
from .usage import OwnKeyMonth, UsageDay, UsageHour, UsageMonth, UsageRollup

__all__ = [
    "DroppedRequests",
    "EndpointMinute",
    "Feedback",
    "GatewayProcess",
    "Generation",
    "Hold",
    "OwnKeyMonth",
    "ProviderSpend",
    "UsageDay",
    "UsageHour",
    "UsageMonth",
    "UsageRollup",
]
