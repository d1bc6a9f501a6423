"""Holds of processes that died in the middle of requests."""

from tests.support.processes import Site

__all__ = ["release_holds_of_the_dead"]

PROGRAM = """
from datetime import timedelta
from common.clock import utc_now
from gateway.accounting.reaper import reap
from gateway.models import GatewayProcess, Hold
before = utc_now() - timedelta(minutes=2)
GatewayProcess.objects.filter(pk__in=Hold.objects.values("process_id")).update(seen_at=before)
Hold.objects.update(created_at=before)
print("RELEASED", reap())
"""


def release_holds_of_the_dead(site: Site) -> int:
    """Let two minutes pass for the holds, and for their processes; return how many the reaper releases."""
    return int(site.manage("shell", "--no-imports", "-c", PROGRAM).split("RELEASED ")[1].split()[0])
