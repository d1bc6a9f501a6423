"""The limits of free models are exact, however many threads and processes count at once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from billing.models import CreditAccount
from common.errors import RateLimited
from gateway.accounting import free_limits
from gateway.callers import Caller, Policy
from gateway.models import UsageHour

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def granted(account_id: int, attempts: int, *, minutes: int = 1, threads: int = 8) -> int:
    """The number of requests that may start, of `attempts` in each of the `minutes` after noon."""
    caller = Caller(account_id=account_id, key_id=1, user_id=1, source="api", default_model="", policy=Policy())

    def attempt(minute: int) -> bool:
        try:
            free_limits.count_free_request_at(caller, NOON + timedelta(minutes=minute))
        except RateLimited:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(attempt, [minute for minute in range(minutes) for _ in range(attempts)]))


def granted_to_two_processes(account_id: int, attempts: int, minutes: int) -> list[int]:
    script = (
        "import django; django.setup()\n"
        "from tests.gateway.accounting.test_free_limits_together import granted\n"
        "print('ready', flush=True); input()\n"
        f"print(granted({account_id}, {attempts}, minutes={minutes}))"
    )
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "openrouter_site.settings",
        "DATABASE_URL": f"postgres://{address}",
        "REDIS_URL": settings.REDIS_URL,
    }
    command = [sys.executable, "-c", script]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in running] == ["ready\n", "ready\n"]
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return [int(output) for output in outputs]


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


def test_threads_share_the_limits_of_a_minute_and_a_day():
    cache.set(f"free:7:{NOON:%Y%m%d}", 0)
    assert granted(7, 60) == 20
    assert granted(7, 60, minutes=4) == 30  # of fifty a day


needs_both = pytest.mark.skipif(
    not settings.REDIS_URL or connection.vendor != "postgresql", reason="Several processes need PostgreSQL and Redis."
)


@needs_both
def test_two_processes_share_the_limit_of_a_minute(account: CreditAccount, transactional_db):
    assert sum(granted_to_two_processes(account.pk, 15, minutes=1)) == 20  # neither alone tries as many


@needs_both
def test_two_processes_share_the_limit_of_a_day_and_the_restored_count(account, transactional_db):
    UsageHour.objects.create(account=account, hour=NOON, model="acme/one:free", source="api", requests=7)
    assert sum(granted_to_two_processes(account.pk, 6, minutes=4)) == 50 - 7  # of 48
