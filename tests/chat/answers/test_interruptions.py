"""Answers that are interrupted at random points, and those of one account in several processes.

Real processes on PostgreSQL and Redis. The points are drawn from a fixed seed; INTERRUPTIONS sets their number.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed

from chat.answers.running import LEASE_SECONDS
from common.money import pico_from_usd
from tests.browser.fixtures import stores
from tests.browser.people import Person, new_person
from tests.chat.reader import Reader, in_a_loop
from tests.support.gates import Gate
from tests.support.holds import release_holds_of_the_dead
from tests.support.processes import Process, Site, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.postgresql]  # it starts the real processes

POINTS = int(os.environ.get("INTERRUPTIONS", "20"))
TOKENS = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    given = stores("production-like", second=True)
    folder = tmp_path_factory.mktemp("interrupted")
    with Site(folder, **given, processes=("web", "providers"), SANDBOX_PROVIDERS_SPEED="1") as site:
        yield site


@pytest.fixture(scope="module")
def elsewhere(server: Site) -> Iterator[tuple[Process, str]]:
    """A second web process, and its URL."""
    with server.another_web_process() as process:
        yield process


def bills(server: Site, person: Person) -> list[tuple[str, int, int]]:
    """State, tokens and cost of each generation of a person, of which none may hold credits any longer."""
    held = f"SELECT held FROM billing_creditaccount WHERE id = {person.account}"
    wait_until(lambda: server.rows(held) == [(0,)], "the end of every hold")
    query = f"SELECT state, completion_tokens, cost FROM gateway_generation WHERE account_id = {person.account}"
    return [(state, tokens, cost) for state, tokens, cost in server.rows(query)]


def test_an_account_runs_twelve_answers_in_all_processes_together(server: Site, elsewhere: tuple[Process, str]):
    person, gate = new_person(server), Gate(server.providers_url)
    urls = (server.url, elsewhere[1])

    async def story() -> None:
        readers = [Reader(person) for _ in range(12)]
        for number, reader in enumerate(readers):
            await reader.open(urls[number % 2], Gate=gate.place, Tokens="4")
            await reader.ask()
        await asyncio.to_thread(gate.wait_for_an_answer, 12)
        for url in urls:
            assert (await asked(url)).refusal["message"] == (
                "Your account has 12 answers running in its tabs and on its devices."
                " Wait for one to finish, or stop one."
            )
        # A place that is given back can be taken once, in any process.
        await readers[0].say(type="stop", id=readers[0].id)
        await readers[0].read(until=lambda reader: reader.ended)
        last = Reader(person)
        await last.open(urls[1], Gate=gate.place, Tokens="4")
        await last.ask()
        await last.read(until=lambda reader: "accepted" in reader.kinds)
        assert (await asked(urls[0])).refusal["status"] == 429
        await asyncio.to_thread(gate.open)
        for reader in (*readers[1:], last):
            await reader.read(until=lambda reader: reader.ended)
            await reader.close()
        await readers[0].close()

    async def asked(url: str) -> Reader:
        reader = Reader(person)
        await reader.open(url)
        await reader.ask()
        await reader.read(until=lambda reader: reader.ended)
        await reader.close()
        return reader

    in_a_loop(story())
    assert len(bills(server, person)) == 13


def test_a_connection_that_is_lost_costs_no_text_and_no_second_bill(server: Site, elsewhere: tuple[Process, str]):
    people = [new_person(server) for _ in range(4)]
    urls = (server.url, elsewhere[1])

    async def interrupted(number: int, reader: Reader) -> None:
        draw = random.Random(number)
        await reader.open(urls[number % 2], Tokens=str(TOKENS), Delay="0.01")
        await reader.ask()
        for _ in range(draw.choice((1, 1, 2))):  # the second line may break too
            point = len(reader.shown) + draw.randrange(200)
            while len(reader.shown) <= point and not reader.ended:
                await reader.next()
            if number % 4 < 2:
                reader.lose_connection()  # else the line is silent: the server learns of it much later
            await reader.resume(draw.choice(urls))
        await reader.read(until=lambda reader: reader.ended)
        await reader.say(type="forget", id=reader.id)

    async def story() -> list[Reader]:
        readers = [Reader(people[number % 4]) for number in range(POINTS)]
        await asyncio.gather(*(interrupted(number, reader) for number, reader in enumerate(readers)))
        return readers

    readers = in_a_loop(story())
    for reader in readers:
        assert [reader.kinds.count(kind) for kind in ("started", "finished", "billed", "ended")] == [1, 1, 1, 1]
        assert reader.resumed == reader.shown
    for person in people:
        found = bills(server, person)
        assert [(state, tokens) for state, tokens, _ in found] == [("settled", TOKENS)] * (POINTS // 4)
        costs = [pico_from_usd(Decimal(reader.cost or 0)) for reader in readers if reader.person is person]
        assert sorted(costs) == sorted(cost for _, _, cost in found)


def test_a_process_that_is_killed_costs_no_text_no_money_and_no_place(server: Site, elsewhere: tuple[Process, str]):
    draw = random.Random(12)
    people = [new_person(server) for _ in range(2)]
    gate = Gate(server.providers_url)

    async def story(victim: Process, url: str) -> None:
        readers = [Reader(people[number % 2]) for number in range(POINTS)]
        for number, reader in enumerate(readers):
            if number % 4 < 2:  # these stand still at their point; the others are cut while text flows
                point = {"Gate": f"{gate.name}:{draw.randrange(TOKENS)}", "Tokens": str(TOKENS)}
            else:
                point = {"Tokens": "3000", "Delay": str(draw.uniform(0.005, 0.02))}
            await reader.open(url, **point)
            await reader.ask()
        await asyncio.to_thread(gate.wait_for_an_answer, POINTS // 2)
        for reader in readers[2::4]:
            await reader.read(until=lambda reader: len(reader.shown) > 100)
        victim.kill()
        before = []
        for reader in readers:
            with pytest.raises(ConnectionClosed):
                await reader.read(until=lambda reader: reader.ended)
            before.append(reader.shown)
        for reader in readers:
            await reader.resume(elsewhere[1])
        for reader, shown in zip(readers, before, strict=True):
            await reader.read(until=lambda reader: reader.ended)
            assert reader.kinds[-1] == "lost"
            assert reader.shown.startswith(shown)
        assert sum(len(reader.resumed) for reader in readers) > 1000  # what it had sent is kept
        released = release_holds_of_the_dead(server)
        assert released == POINTS
        for reader in readers:  # the page asks what it cost
            if reader.generation:
                await reader.say(type="bill", id=reader.id, generation_id=reader.generation)
                await reader.read(until=lambda reader: reader.cost is not None)
                assert reader.cost == "0"
            await reader.close()
        await twelve_more(people[0], elsewhere[1], gate)

    with server.another_web_process() as (victim, url):
        in_a_loop(story(victim, url))
    for person, more in zip(people, (12, 0), strict=True):
        found = bills(server, person)
        assert len(found) == POINTS // 2 + more
        assert [cost for state, _, cost in found if state == "released"] == [0] * (POINTS // 2)


async def twelve_more(person: Person, url: str, gate: Gate) -> None:
    """The places of the dead process are free again when their lease has ended."""
    readers = [Reader(person) for _ in range(12)]
    for reader in readers:
        await reader.open(url, Gate=gate.place, Tokens="4")
        async with asyncio.timeout(4 * LEASE_SECONDS):
            while "accepted" not in reader.kinds:
                reader.kinds = []
                await reader.ask()
                await reader.read(until=lambda reader: {"accepted", "ended"} & set(reader.kinds))
                await asyncio.sleep(0.0 if "accepted" in reader.kinds else 1.0)
    await asyncio.to_thread(gate.open)
    for reader in readers:
        await reader.read(until=lambda reader: reader.ended)
        await reader.close()
