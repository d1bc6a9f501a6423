"""A worker touches a file while its loop turns; one whose loop hangs ends."""

import os
import time

import pytest
from celery.concurrency.solo import TaskPool as SoloPool
from celery.concurrency.thread import TaskPool as ThreadPool

from operations.health import worker_life
from tests.operations.conftest import Operated
from tests.support.processes import Site, wait_until

WORKER = "exec python -m celery -A openrouter_site worker --concurrency 1 --without-gossip -Q mail --pool"


class Loop:
    """A consumer whose loop turns when it is told to."""

    pool: object

    def __init__(self) -> None:
        self._callbacks: list = []
        self.call_soon = self._callbacks.append

    def turn(self) -> None:
        while self._callbacks:
            self._callbacks.pop()()


class Ended(BaseException):
    """The process would have ended, with this status."""


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def signs(settings, tmp_path, monkeypatch, loop) -> worker_life.SignsOfLife:
    def end(status: int) -> None:
        raise Ended(status)

    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(os, "_exit", end)
    return worker_life.SignsOfLife(loop)


def test_the_file_is_touched_by_the_turning_loop(signs, loop, tmp_path):
    file = tmp_path / worker_life.FILE
    signs.start(loop)
    signs.look()
    assert not file.exists()
    loop.turn()
    assert file.exists()
    for _ in range(3 * worker_life.MOST_MISSED):
        signs.look()
        loop.turn()


def test_a_worker_whose_loop_hangs_ends(signs, loop):
    signs.start(loop)
    for _ in range(worker_life.MOST_MISSED):
        signs.look()
    with pytest.raises(Ended):
        signs.look()


def test_a_worker_waits_for_its_broker_as_long_as_it_takes(signs, loop, tmp_path):
    file = tmp_path / worker_life.FILE
    signs.look()  # it was never connected
    assert file.exists()
    signs.start(loop)
    signs.stop(loop)
    file.unlink()
    for _ in range(3 * worker_life.MOST_MISSED):
        signs.look()
    assert file.exists()


@pytest.mark.parametrize(("pool", "watched"), [(SoloPool, False), (ThreadPool, True)])
def test_a_pool_that_does_its_tasks_in_the_loop_is_not_watched(signs, loop, pool, watched):
    loop.pool = pool(1)
    assert signs.include_if(loop) is watched


def test_a_full_disk_ends_no_worker(signs, settings, caplog, monkeypatch):
    def fill_up(path, **_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker_life.Path, "touch", fill_up)
    signs.look()
    assert "can't be written: No space left" in caplog.text


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_running_worker_touches_its_file_again_and_again(tmp_path, pool):
    with Site(tmp_path, processes=("web",)) as site:
        Operated(site).start("worker", f"{WORKER} {pool}")
        file = site.data_dir / worker_life.FILE
        for _ in range(2):
            wait_until(
                lambda: file.exists() and time.time() - file.stat().st_mtime < 60, "the worker to touch its file"
            )
            os.utime(file, (0, 0))
