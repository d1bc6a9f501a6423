"""How many answers an account runs at once: a person's account, over all tabs, devices and web processes.

Each running answer has a place. With Redis all processes know it, under a lease that its process renews: the places of
a process that dies are free when the lease ends. While Redis is away, and on a site without it, a process counts only
its own.
"""

import asyncio
import logging
import uuid
from collections import defaultdict
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

from common.errors import RateLimited
from common.limits.places import Release

from . import shared_redis
from .limits import answers, process_place

__all__ = ["LEASE_SECONDS", "Place", "take_place"]

log = logging.getLogger(__name__)

#: Seconds after which the places of a process that gives no sign of life are free.
LEASE_SECONDS = 15.0
#: Seconds between two signs of life.
RENEW_SECONDS = 5.0


class Place:
    """The place of one running answer."""

    def __init__(self, user_id: int) -> None:
        self.name = uuid.uuid4().hex
        self.user_id = user_id
        self.releases: list[Release] = []  # of what this process counts
        self.shared: SharedPlaces | None = None
        self._told: asyncio.Task[None] | None = None

    def give_back(self) -> asyncio.Task[None] | None:
        """Give the place back, once however often it is called. Wait for the result until all processes know."""
        while self.releases:
            self.releases.pop()()
        if self.shared and not self._told:
            self._told = self.shared.give_back(self)
        return self._told


async def take_place(user_id: int) -> Place:
    """Return a place for an answer. Raises RateLimited, with the remedy, if the account or this process has none."""
    most = settings.CHAT_ANSWERS_PER_USER
    place = Place(user_id)
    try:
        place.releases.append(answers.take(user_id, most, _refusal(most)))
        place.releases.append(process_place())
        if (shared := _shared_places()) and not await shared.take(place, most):
            raise RateLimited(_refusal(most), headers={"Retry-After": "10"})
    except BaseException:
        place.give_back()
        raise
    return place


def _refusal(most: int) -> str:
    running = f"{most} {'answer' if most == 1 else 'answers'} running"
    return f"Your account has {running} in its tabs and on its devices. Wait for one to finish, or stop one."


# --- All processes ----------------------------------------------------------------------------------

#: A user's key is a sorted set of places by the end of their leases, in ms on Redis's clock.
_NOW = "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)"
_TAKE = f"""{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
#: Only what is still there: a place that is given back in the meantime must not return.
_RENEW = f"""{_NOW}
for at = 2, #ARGV do
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[at])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""


class SharedPlaces:
    """The places of this process, as Redis knows them. While it is away, each place counts as taken and given back."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._take, self._renew = client.register_script(_TAKE), client.register_script(_RENEW)
        self._held: defaultdict[int, set[str]] = defaultdict(set)
        self._renewing: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def take(self, place: Place, most: int) -> bool:
        """Take the place, unless its user has `most`. Return whether it is taken."""
        try:
            free = await self._take([_key(place.user_id)], [_lease(), most, place.name])
        except redis.RedisError as error:
            log.warning("the answers of an account are counted in each process: %s", type(error).__name__)
            free = True
        if not free:
            return False
        place.shared = self
        self._held[place.user_id].add(place.name)
        if not self._renewing:
            self._renewing = asyncio.create_task(self._keep_renewing())
        return True

    def give_back(self, place: Place) -> asyncio.Task[None]:
        """Give the place back; the task ends when Redis knows. What it does not hear ends with the lease."""
        held = self._held[place.user_id]
        held.discard(place.name)
        if not held:
            del self._held[place.user_id]
        if not self._held and self._renewing:
            self._renewing.cancel()
            self._renewing = None
        task = asyncio.create_task(self._remove(place))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _remove(self, place: Place) -> None:
        try:
            await self._client.zrem(_key(place.user_id), place.name)
        except redis.RedisError as error:
            log.warning("an answer's place is freed late: %s", type(error).__name__)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            for user_id, names in list(self._held.items()):
                try:
                    await self._renew([_key(user_id)], [_lease(), *names])
                except redis.RedisError as error:
                    log.warning("the places of running answers were not renewed: %s", type(error).__name__)
                    break


def _key(user_id: int) -> str:
    return f"chat-running:{user_id}"


def _lease() -> int:
    return int(LEASE_SECONDS * 1000)


#: A client belongs to its event loop.
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedPlaces] = WeakKeyDictionary()


def _shared_places() -> SharedPlaces | None:
    client = shared_redis.client()
    if client is None:
        return None
    loop = asyncio.get_running_loop()
    if loop not in _shared:
        _shared[loop] = SharedPlaces(client)
    return _shared[loop]
