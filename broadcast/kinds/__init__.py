"""The kinds of destinations: how each is configured, and how it is sent a batch of events.

Adding one is copying a neighbor and listing it here.
"""

from broadcast.models import Destination

from . import otlp, s3, webhook
from .kind import MASK, Config, Kind

__all__ = ["KINDS", "MASK", "Config", "Kind"]

KINDS: dict[str, Kind] = {
    Destination.Kind.OTLP.value: otlp.KIND,
    Destination.Kind.WEBHOOK.value: webhook.KIND,
    Destination.Kind.S3.value: s3.KIND,
}
