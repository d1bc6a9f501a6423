"""The requests that `bench/pages/activity.py` measures with, as lines of COPY.

They are evenly spaced over a year and made month by month, so that several processes can make them at once; the same
number gives the same requests.
"""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

__all__ = ["CONSTANT", "GIVEN", "LARGE", "Account", "Requests"]

#: The share of the large account.
LARGE = float(os.environ.get("BENCH_LARGE", "0.1"))
DAYS = 365
SECOND = 1_000_000  # in microseconds

#: The columns of a line.
GIVEN = (
    "id", "created_at", "settled_at", "account_id", "key_id", "user_id", "source", "app", "requested_model", "model",
    "provider", "endpoint", "prompt_tokens", "completion_tokens", "cached_tokens", "cost", "hold", "latency_ms",
    "duration_ms", "upstream_latency_ms",
)  # fmt: skip
#: The columns that are the same in all of them.
CONSTANT = {
    "streamed": "true", "app_title": "", "user_agent": "bench/1", "external_user": "", "session_id": "",
    "preset_version_id": "0", "state": "settled", "reason": "balanced by price", "simulated": "true",
    "provider_key_id": "0", "upstream_id": "chatcmpl-1234567890", "cancelled": "false", "finish_reason": "stop",
    "native_finish_reason": "stop", "failed_attempts": "[]", "reasoning_tokens": "0", "cache_write_tokens": "0",
    "cache_write_1h_tokens": "0", "token_source": "provider", "write_off": "0",
    "price": '{"prompt": "0.00000015", "completion": "0.0000006"}', "discount_basis_points": "0", "images": "0",
    "api_type": "completions", "search_units": "0", "web_search_engine": "", "web_search_results": "0",
    "response_cache_source_id": "",
}  # fmt: skip

#: Bits of the number of an account's draws and of the different tails. Drawing beforehand costs a line nothing.
LARGE_BITS, OTHER_BITS, TAIL_BITS = 16, 8, 12
LINES = 20_000  # of one text

Account = tuple[int, int, list[int]]  # its ID, that of its owner, and those of its keys


@dataclass(frozen=True, slots=True)
class Requests:
    """So many requests of the accounts in the year before `now`. The first account has the share of `LARGE`."""

    number: int
    accounts: Sequence[Account]
    now: datetime

    def lines(self, start: datetime, end: datetime) -> Iterator[str]:
        """Yield the requests of a part of the year, oldest first, some thousands of lines at a time."""
        chance = random.Random(7)
        large = _draws(chance, LARGE_BITS, self.accounts[0], apps=8, models=25, members=12)
        others = [_draws(chance, OTHER_BITS, each, apps=2, models=4, members=1) for each in self.accounts[1:]]
        tails = [_tail(chance) for _ in range(1 << TAIL_BITS)]
        clock = [f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(86_400)]
        every = round(1 / LARGE)
        bits = random.Random(start.isoformat()).getrandbits
        first, last = self._index(start), self._index(end)
        for begin in range(first, last, LINES):
            lines = []
            for index in range(begin, min(begin + LINES, last)):
                second, fraction = divmod(self._begins + index * self._year // self.number, SECOND)
                at = f"{_date(second // 86_400)} {clock[second % 86_400]}.{fraction:06}+00"
                head = others[index % len(others)][bits(OTHER_BITS)] if index % every else large[bits(LARGE_BITS)]
                lines.append(f"gen-{second}-{index:020x}\t{at}\t{at}\t{head}\t{tails[bits(TAIL_BITS)]}\n")
            yield "".join(lines)

    @property
    def _year(self) -> int:
        return DAYS * 86_400 * SECOND

    @property
    def _begins(self) -> int:
        return round(self.now.timestamp()) * SECOND - self._year

    def _index(self, moment: datetime) -> int:
        """Return the first request that is not made before this moment."""
        since = round(moment.timestamp()) * SECOND - self._begins
        return min(max(-(-since * self.number // self._year), 0), self.number)


@cache
def _date(day: int) -> str:
    """Return the date so many days after the epoch. Formatting each line's by itself would take half its time."""
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"


def _draws(chance: random.Random, bits: int, account: Account, *, apps: int, models: int, members: int) -> list[str]:
    """Return what the account's requests have in common, as often as each occurs: a few dominate."""
    number, user, keys = account
    found, weights = [], []
    for rank, key in enumerate(keys, 1):
        used = chance.sample(range(models), min(models, 8))
        for app, (order, model), provider in (
            (app, each, provider) for app in range(2) for each in enumerate(used, 1) for provider in range(2)
        ):
            name, at = f"acme/model-{model}", f"provider-{(model + provider) % 10}"
            address = f"https://app-{(rank + app) % apps}.example.com/"
            member = user + rank % members
            found.append(f"{number}\t{key}\t{member}\tapi\t{address}\t{name}\t{name}\t{at}\t{at}")
            weights.append(1 / (rank * order * (1 + app) * (1 + provider)))
    if members == 1:  # a person who also chats
        found.append(f"{number}\t\\N\t{user}\tchat\t\tacme/model-0\tacme/model-0\tprovider-0\tprovider-0")
        weights.append(sum(weights) / 10)
    return chance.choices(found, weights, k=1 << bits)


def _tail(chance: random.Random) -> str:
    prompt, completion = int(chance.lognormvariate(6.8, 1.1)) + 8, int(chance.lognormvariate(5.6, 0.9)) + 3
    cost, latency = prompt * 150_000 + completion * 600_000, int(chance.lognormvariate(6.2, 0.5))
    cached = prompt // 2 if chance.random() < 0.3 else 0
    values = (prompt, completion, cached, cost, 3 * cost, latency, latency + completion * 12, latency)
    return "\t".join(map(str, values))
