"""`make bench-chat`: 500 answers at once in the chatrooms of one web process, and readers that stop reading.

Every answer has a socket of its own, gets a token every half second and can be resumed. Memory is the web process's
own, from the kernel: idle after a warm-up, with all sockets open, and while all answers run. Then readers ask for long
answers and take nothing: the process must not grow with what they do not take, and keeps it for them.
CHAT_ANSWERS, CHAT_TOKENS and CHAT_DELAY change the load; BENCH_POSTGRESQL and BENCH_REDIS name servers, SQLite and the
process's own memory are the default.
"""

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.inference.load import cpu_seconds, rss_mb
from tests.browser.people import Person, new_person
from tests.chat.reader import Reader
from tests.support.processes import Site

ANSWERS = int(os.environ.get("CHAT_ANSWERS", "500"))
TOKENS = int(os.environ.get("CHAT_TOKENS", "80"))
DELAY = os.environ.get("CHAT_DELAY", "0.5")
WARM_UP = 50
PEOPLE = 25
#: Readers that take nothing, tokens of the answer of each, and seconds after which they are cut off.
SLOW, SLOW_TOKENS, CUT_OFF = 100, 30_000, 10


class Load:
    """Readers of one web process."""

    def __init__(self, site: Site) -> None:
        self.site = site
        process = site.processes["web"].pid
        self.pid = int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
        self.people: list[Person] = [new_person(site, cents=100_000) for _ in range(PEOPLE)]

    @property
    def megabytes(self) -> float:
        return rss_mb(self.pid)

    async def open(self, number: int, **sandbox: str) -> list[Reader]:
        """Readers with open sockets."""
        readers = [Reader(self.people[at % PEOPLE]) for at in range(number)]
        for at in range(0, number, PEOPLE):
            await asyncio.gather(*(each.open(self.site.url, **sandbox) for each in readers[at : at + PEOPLE]))
        return readers

    async def close(self, readers: list[Reader]) -> None:
        await asyncio.gather(*(each.close() for each in readers))
        await asyncio.sleep(2)


async def many_answers(load: Load) -> None:
    readers = await load.open(WARM_UP, Tokens="20", Delay="0")
    await asyncio.gather(*(reader.ask() for reader in readers))
    await asyncio.gather(*(reader.read(until=lambda reader: reader.ended) for reader in readers))
    await load.close(readers)
    idle = load.megabytes

    readers = await load.open(ANSWERS, Tokens=str(TOKENS), Delay=DELAY)
    connected = load.megabytes
    cpu, began = cpu_seconds(load.pid), time.monotonic()
    await asyncio.gather(*(reader.ask() for reader in readers))
    reading = [asyncio.create_task(reader.read(until=lambda reader: reader.ended)) for reader in readers]
    samples: list[float] = []
    while not all(task.done() for task in reading):
        await asyncio.sleep(0.5)
        if all(reader.shown for reader in readers) and not any(task.done() for task in reading):
            samples.append(load.megabytes)
    await asyncio.gather(*reading)
    seconds, cpu = time.monotonic() - began, cpu_seconds(load.pid) - cpu
    failed = sum("finished" not in reader.kinds for reader in readers)
    await load.close(readers)
    print(f"{ANSWERS} answers of {TOKENS} tokens, one every {DELAY} s, {failed} failed, {seconds:.0f} s")
    print(f"all of them at once for {len(samples) / 2:.0f} s" if samples else "NEVER all of them at once")
    if samples:
        median, most = statistics.median(samples), max(samples)
        sockets, each = 1000 * (connected - idle) / ANSWERS, 1000 * (most - connected) / ANSWERS
        print(f"memory: idle {idle:.1f} MB, {connected:.1f} with all sockets,")
        print(f"{median:.1f} to {most:.1f} with all answers, {load.megabytes:.1f} afterwards")
        print(f"each socket {sockets:.1f} kB, each answer {each:.1f} kB more, {sockets + each:.1f} kB together")
    print(f"CPU: {cpu / seconds:.0%} of a core, {1e6 * cpu / (ANSWERS * TOKENS):.0f} us for each token")


async def slow_readers(load: Load) -> None:
    before = load.megabytes
    readers = await load.open(SLOW, Tokens=str(SLOW_TOKENS), Delay="0")
    for reader in readers:
        await reader.ask()
    samples: list[float] = []
    began = time.monotonic()
    while time.monotonic() - began < 2 * CUT_OFF + 5:
        await asyncio.sleep(0.5)
        samples.append(load.megabytes)
    print(f"{SLOW} readers that take nothing: {max(samples) - before:.1f} MB more at most,")
    print(
        f"{1000 * (max(samples) - before) / SLOW:.1f} kB each; {samples[-1] - before:.1f} MB after {2 * CUT_OFF + 5} s"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        stores = {"postgresql": os.environ.get("BENCH_POSTGRESQL", ""), "redis_url": os.environ.get("BENCH_REDIS", "")}
        settings = {
            "CHAT_ANSWERS": "1000", "CHAT_ANSWERS_PER_USER": "100", "CHAT_SOCKETS_PER_USER": "100",
            "CLIENT_TIMEOUT_SECONDS": str(CUT_OFF), "SANDBOX_PROVIDERS_SPEED": "0", "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "bench.settings",
        }  # fmt: skip
        site = stack.enter_context(Site(Path(temporary), **stores, processes=("web", "providers"), **settings))
        load = Load(site)
        asyncio.run(many_answers(load))
        asyncio.run(slow_readers(load))


if __name__ == "__main__":
    main()
