"""PostgreSQL and Redis of a running site are filled up, stopped and started again, under load from every way in.

The site has two web processes and a worker, on servers of its own.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest
from kombu import Queue

from openrouter_site.celery import app as celery_app
from scripts.servers import Server, own_postgresql, own_redis
from tests.support.processes import Site, provider_sandbox, wait_until
from tests.support.traffic import SERVED, Outcome, Traffic

POOL_SIZE = 5
WEB_PROCESSES = 2
MAX_CONNECTIONS = 30
#: Not sign-in: once its limit is used up, it asks Redis only.
NEEDS_POSTGRESQL = {"page", "home", "api", "models", "inference", "stream", "free", "webhook", "socket"}
NEEDS_REDIS = {"free", "sign-in"}


class Stores:
    """The servers of the site, for tests that stop them."""

    def __init__(self, postgresql: Server, redis: Server) -> None:
        self.postgresql = postgresql
        self.redis = redis


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    with own_postgresql(max_connections=MAX_CONNECTIONS) as postgresql, own_redis() as redis:
        yield Stores(postgresql, redis)


@pytest.fixture(scope="module")
def own_site(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("outages")
    with provider_sandbox(folder, "--speed", "0") as providers:
        settings = {
            "SANDBOX_PROVIDERS_URL": providers,
            "WEB_CONCURRENCY": str(WEB_PROCESSES),
            "DATABASE_POOL_SIZE": str(POOL_SIZE),
            "EMAIL_VERIFICATION": "optional",
            "CHAT_MESSAGES_PER_MINUTE": "100000",  # one user is all the load
        }
        with Site(
            folder,
            postgresql=stores.postgresql.url,
            redis_url=stores.redis.url,
            processes=("web", "worker"),
            **settings,
        ) as running:
            yield running


@pytest.fixture(scope="module")
def traffic(own_site: Site) -> Traffic:
    traffic = Traffic.of(own_site)
    asyncio.run(traffic.send(4 * len(traffic.kinds), clients=4))  # new processes are slow
    return traffic


def described(outcomes: list[Outcome]) -> Counter[tuple[str, int, str]]:
    return Counter((each.kind, each.status, each.problem) for each in outcomes)


def assert_only_clear_refusals(outcomes: list[Outcome], *, away: list[tuple[float, float]]) -> None:
    """Every request was served or got a clear 503, and none of those that began and ended outside an outage failed."""
    assert described([each for each in outcomes if each.problem]) == {}
    refused = [each for each in outcomes if each.status not in SERVED]
    assert {each.status for each in refused} <= {503}
    unexplained = [each for each in refused if not any(each.ended > start and each.began < end for start, end in away)]
    assert described(unexplained) == {}


async def until(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


async def outage(traffic: Traffic, server: Server, kinds: set[str]) -> tuple[float, float]:
    """Stop the server until requests of these kinds have been refused; returns when it was away."""
    before = len(traffic.outcomes)
    start = time.monotonic()
    await asyncio.to_thread(server.stop)
    refused = lambda: {each.kind for each in traffic.outcomes[before:] if each.status not in SERVED}  # noqa: E731
    await until(lambda: refused() >= kinds, f"{kinds} to be refused")
    await asyncio.to_thread(server.start)
    end = time.monotonic()
    await served_again(traffic)
    return start, end


async def served_again(traffic: Traffic) -> None:
    """Wait until a request of every kind that began from now on was answered."""
    now = time.monotonic()
    answered = lambda: {each.kind for each in traffic.outcomes if each.began > now}  # noqa: E731
    await until(lambda: answered() == set(traffic.kinds), "a request of every kind to be answered")


def assert_books_agree(site: Site, traffic: Traffic) -> None:
    """Every charge is there once: the requests that were served through the API are the rows of the API."""
    wait_until(lambda: site.rows("SELECT count(*) FROM gateway_hold") == [(0,)], "every request to be settled")
    assert "All sums agree" in site.manage("reconcile_ledger")
    assert site.rows("SELECT held FROM billing_creditaccount") == [(0,)]
    served = [each.generation for each in traffic.outcomes if each.generation and each.kind != "socket"]
    rows = [pk for (pk,) in site.rows("SELECT id FROM gateway_generation WHERE source = 'api'")]
    assert sorted(rows) == sorted(served)
    chats = {pk for (pk,) in site.rows("SELECT id FROM gateway_generation WHERE source = 'chat'")}
    assert chats >= {each.generation for each in traffic.outcomes if each.generation and each.kind == "socket"}


def connections(site: Site, database: psycopg.Connection, process: str = "%") -> int:
    """The site's connections to its database, or those of its web or worker processes."""
    name = site.env["DATABASE_URL"].rpartition("/")[2]
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s"
    ((count,),) = database.execute(query, [name, process]).fetchall()
    return count


async def test_mixed_requests_stay_within_the_bound_of_each_process(own_site: Site, stores: Stores, traffic: Traffic):
    counts: list[int] = []
    finished = asyncio.Event()

    async def watch(database: psycopg.Connection) -> None:
        while not finished.is_set():
            counts.append(await asyncio.to_thread(connections, own_site, database, "web"))
            await asyncio.sleep(0.02)

    with psycopg.connect(stores.postgresql.url, autocommit=True) as database:
        watching = asyncio.create_task(watch(database))
        outcomes = await traffic.send(500)
        finished.set()
        await watching
        assert_only_clear_refusals(outcomes, away=[])
        assert described([each for each in outcomes if each.status == 503]) == {}
        assert 2 <= max(counts) <= WEB_PROCESSES * POOL_SIZE
    assert_books_agree(own_site, traffic)


async def test_a_restart_of_postgresql_under_load_is_survived_three_times(
    own_site: Site, stores: Stores, traffic: Traffic
):
    before = len(traffic.outcomes)
    async with traffic.running():
        await served_again(traffic)
        away = [await outage(traffic, stores.postgresql, kinds) for kinds in (NEEDS_POSTGRESQL, set(), set())]
        await served_again(traffic)
    assert_only_clear_refusals(traffic.outcomes[before:], away=away)
    assert_books_agree(own_site, traffic)
    assert_the_worker_works(own_site)


async def test_a_restart_of_redis_under_load_is_survived_three_times(own_site: Site, stores: Stores, traffic: Traffic):
    before = len(traffic.outcomes)
    async with traffic.running():
        await served_again(traffic)
        away = [await outage(traffic, stores.redis, kinds) for kinds in (NEEDS_REDIS, set(), set())]
        await served_again(traffic)
    outcomes = traffic.outcomes[before:]
    assert_only_clear_refusals(outcomes, away=away)
    assert described([each for each in outcomes if each.kind not in NEEDS_REDIS and each.status != 200]) == {}
    assert_books_agree(own_site, traffic)
    assert_the_worker_works(own_site)


async def test_a_database_without_free_connections_is_a_clear_refusal_until_one_is_free(
    own_site: Site, stores: Stores, traffic: Traffic
):
    taken: list[psycopg.Connection] = []
    start = time.monotonic()
    try:
        await asyncio.to_thread(take_all_from, own_site, stores.postgresql.url, taken)
        full = await traffic.send(len(traffic.kinds), clients=len(traffic.kinds))
    finally:
        for connection in taken:
            connection.close()
    end = time.monotonic()
    refused = [each for each in full if each.kind in NEEDS_POSTGRESQL and each.status == 503]
    # One of the site's own connections may have become free in between, and serves a request then.
    assert len(refused) >= len(NEEDS_POSTGRESQL) - 2
    after = await traffic.send(2 * len(traffic.kinds))
    assert_only_clear_refusals(full + after, away=[(start, end)])
    assert_books_agree(own_site, traffic)


def take_all_from(own_site: Site, url: str, taken: list[psycopg.Connection]) -> None:
    """Take every connection that the server has, those of the site too."""
    took_none = 0
    while took_none < 3:  # a connection that ends becomes free a moment later
        before = len(taken)
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(url, autocommit=True))
        took_none = took_none + 1 if len(taken) == before and not connections(own_site, taken[0]) else 0
        taken[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'site_%'")
        time.sleep(0.05)


def assert_the_worker_works(own_site: Site) -> None:
    """A mail that waits in the outbox is delivered."""
    own_site.manage("shell", "--no-imports", "-c", WAITING_MAIL)
    wait_until(lambda: own_site.rows("SELECT count(*) FROM billing_notice") == [(0,)], "the worker to send a mail")


def test_a_worker_closes_a_connection_that_it_has_lost_with_a_task_at_hand(stores: Stores):
    """Redis hands the task out again."""
    connection = celery_app.connection_for_write(stores.redis.url)
    queue = Queue("lost", channel=connection.default_channel)
    queue.declare()
    connection.Producer(connection.default_channel).publish({}, routing_key="lost")
    assert queue.get() is not None
    connection.transport.client = None  # what kombu does when the connection is lost
    connection.close()
    with celery_app.connection_for_write(stores.redis.url) as again:
        assert again.default_channel.client.hlen("unacked") == 1
        again.default_channel.client.delete("unacked", "unacked_index")


WAITING_MAIL = """
from billing.models import CreditAccount
from billing.notifications import outbox
outbox.enqueue(CreditAccount.objects.get(), lambda _: ("Hello", "A mail."))
"""
