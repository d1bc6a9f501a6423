"""The site and a process of the gateway behind a PgBouncer that lends its few connections by the transaction."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from scripts.pooler import Pooler, own_pgbouncer, pgbouncer_program
from scripts.serve import free_port
from tests.browser.people import Person, new_person
from tests.gateway.test_crash import POSTGRESQL
from tests.support.gates import Gate
from tests.support.processes import Process, Site, wait_until

#: Fewer connections than threads of the site that want one.
POOL_SIZE = 3
UNIT = "exec python -m uvicorn openrouter_site.{}:application --host 127.0.0.1 --port {}"
#: Holds and charges a third of a cent at most.
BODY = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 300, "stream": True}

pytestmark = [
    pytest.mark.skipif(not POSTGRESQL, reason="needs PostgreSQL"),
    pytest.mark.skipif(not pgbouncer_program(), reason="needs PgBouncer"),
]


@dataclass
class Pooled:
    site: Site
    pooler: Pooler
    urls: list[str]

    def post(self, person: Person, number: int = 0, **headers: str) -> httpx.Response:
        """Send a request to one of the two processes, by turns."""
        url, key = f"{self.urls[number % 2]}/api/v1/chat/completions", {"Authorization": f"Bearer {person.key}"}
        return httpx.post(url, json=BODY, headers=key | headers, timeout=60)


@pytest.fixture(scope="module")
def pooled(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    folder = tmp_path_factory.mktemp("pooled")
    with (
        own_pgbouncer(POSTGRESQL, pool_size=POOL_SIZE) as pooler,
        Site(folder, postgresql=POSTGRESQL, redis_url=redis_url, processes=("providers",)) as site,
    ):
        site.env |= {"DATABASE_URL": pooler.in_front_of(site.env["DATABASE_URL"]), "DATABASE_POOLER": "true"}
        urls = []
        for module in ("asgi", "gateway_asgi"):
            port = free_port()
            process = Process(module, UNIT.format(module, port), site.env, folder)
            site.processes[module] = process
            urls.append(f"http://127.0.0.1:{port}")
            process.wait_until_it_responds(f"{urls[-1]}/readyz")
        yield Pooled(site, pooler, urls)


def page(url: str, person: Person) -> httpx.Response:
    return httpx.get(url, cookies={"sessionid": person.session}, timeout=60)


def test_requests_pages_and_commands_share_a_few_connections(pooled):
    site, person = pooled.site, new_person(pooled.site)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: pooled.post(person, number), range(40)))
    with ThreadPoolExecutor(POOL_SIZE + 1) as pool:  # more at once would wait for a connection of the process's own
        paths = ("/", "/activity", "/logs", "/settings/keys", "/settings/credits") * 2
        pages = list(pool.map(lambda path: page(f"{pooled.urls[0]}{path}", person), paths))
    assert {(each.status_code, each.text.endswith("data: [DONE]\n\n")) for each in answers} == {(200, True)}
    assert {each.status_code for each in pages} == {200}
    settled = (
        "SELECT count(*) FROM gateway_generation WHERE cost > 0 AND state = 'settled' "
        f"AND account_id = {person.account}"
    )
    wait_until(lambda: site.rows(settled) == [(40,)], "every request to be settled")
    assert site.rows("SELECT count(*) FROM gateway_hold") == [(0,)]
    # Read in pieces, with a cursor on the server where there is no pooler.
    assert "All sums agree" in site.manage("reconcile_ledger")
    assert site.manage("migrate", "--check") == ""
    with psycopg.connect(pooled.pooler.console, autocommit=True) as console:
        console.prepare_threshold = None
        rows = psycopg.ClientCursor(console).execute("SHOW SERVERS").fetchall()
    assert 0 < len(rows) <= 2 * POOL_SIZE  # those of the console's database are not among them
    assert "prepared statement" not in site.output()


def test_no_query_is_compiled(pooled):
    asked = "from django.db import connection as c; d = c.cursor(); d.execute('SHOW jit'); print(d.fetchone()[0])"
    assert pooled.site.manage("shell", "--no-imports", "-c", asked).strip() == "off"


def test_requests_at_once_hold_no_more_than_the_balance(pooled):
    person = new_person(pooled.site, cents=1)
    gate = Gate(pooled.site.providers_url)
    with ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(pooled.post, person, number, **gate.headers) for number in range(20)]
        wait_until(lambda: gate.waiting + sum(each.done() for each in sent) == 20, "every request to be decided")
        amounts = f"SELECT held, credits FROM billing_creditaccount WHERE id = {person.account}"
        ((held, balance),) = pooled.site.rows(amounts)
        waiting = gate.waiting
        gate.open()
    statuses = [each.result().status_code for each in sent]
    assert 0 < held <= balance and held / waiting > balance - held  # not one more would have fitted
    assert (statuses.count(200), statuses.count(402)) == (waiting, 20 - waiting)
    left = f"SELECT held, usage > 0, usage <= credits FROM billing_creditaccount WHERE id = {person.account}"
    wait_until(lambda: pooled.site.rows(left) == [(0, True, True)], "every request to be settled")
    assert "All sums agree" in pooled.site.manage("reconcile_ledger")
