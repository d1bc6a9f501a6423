"""A worker for some of the queues is no sign of life for the others."""

from contextlib import ExitStack

import httpx

from scripts.servers import own_redis
from tests.gateway.test_crash import POSTGRESQL
from tests.operations.conftest import BEAT_HEARTS, Operated
from tests.support.processes import Site, wait_until

WORKER = "exec python -m celery -A openrouter_site worker --pool threads --concurrency 1 --without-gossip -Q"


def test_a_queue_that_no_running_worker_takes_is_silent_until_one_does(tmp_path):
    """With PostgreSQL and Redis, or with SQLite and a queue of files, as the suite runs."""
    with ExitStack() as stack:
        redis_url = stack.enter_context(own_redis()).url if POSTGRESQL else ""
        site = stack.enter_context(Site(tmp_path, postgresql=POSTGRESQL, redis_url=redis_url, processes=("web",)))
        operated = Operated(site)

        def worker() -> str:
            return httpx.get(f"{site.url}/readyz?strict", timeout=30).json()["parts"]["worker"]

        operated.start("some", f"{WORKER} celery,mail")
        operated.start("heartbeats", BEAT_HEARTS)
        wait_until(lambda: worker() == "silent: money, catalog, usage, broadcast", "two queues to be alive")
        operated.start("others", f"{WORKER} money,catalog,usage,broadcast")
        wait_until(lambda: worker() == "ok", "every queue to be alive")
        assert httpx.get(f"{site.url}/readyz?strict", timeout=30).status_code == 200
