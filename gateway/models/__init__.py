"""The tables of the gateway: requests, what is counted of them, and contents."""

from .contents import StoredContent
from .endpoints import EndpointDay, EndpointMinute
from .feedback import Feedback
from .requests import DroppedRequests, GatewayProcess, Generation, Hold, ProviderSpend
from .usage import OwnKeyMonth, UsageDay, UsageHour, UsageMonth, UsageRollup
from .uses import USES, ClassifiedDay

__all__ = [
    "USES",
    "ClassifiedDay",
    "DroppedRequests",
    "EndpointDay",
    "EndpointMinute",
    "Feedback",
    "GatewayProcess",
    "Generation",
    "Hold",
    "OwnKeyMonth",
    "ProviderSpend",
    "StoredContent",
    "UsageDay",
    "UsageHour",
    "UsageMonth",
    "UsageRollup",
]
