"""The heartbeats of all queues, done at once."""

from django.conf import settings

from operations.tasks import beat_heart

__all__ = ["beat_hearts"]


def beat_hearts(*without: str) -> None:
    """Do the heartbeat of each queue, except some."""
    for queue in settings.QUEUES:
        if queue not in without:
            beat_heart(queue)
