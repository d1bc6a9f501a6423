"""The queue in files: a message that is still being written is not taken."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.transport import filesystem

from common.storage import file_broker


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    options = {"data_folder_in": f"{tmp_path}/queue", "data_folder_out": f"{tmp_path}/queue"}
    with Connection(
        file_broker.URL, transport_options=options | {"control_folder": f"{tmp_path}/control", "store_processed": False}
    ) as connection:
        yield connection


def test_a_message_is_taken_whole_or_not_yet(connection, monkeypatch):
    created, release, dumps = threading.Event(), threading.Event(), filesystem.dumps

    def slowly(payload):
        created.set()  # the file is there, and empty
        assert release.wait(60)
        return dumps(payload)

    monkeypatch.setattr(filesystem, "dumps", slowly)
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(connection.channel()._put, "mail", {"task": "send"})
        assert created.wait(60)
        reading = pool.submit(connection.channel()._get, "mail")
        with pytest.raises(StillWaiting):
            reading.result(timeout=0.2)
        release.set()
        writing.result(60)
        assert reading.result(60) == {"task": "send"}


def test_many_writers_and_readers_lose_nothing(connection):
    def take() -> list[int]:
        channel, found = connection.channel(), []
        while len(taken) < 100:
            try:
                found.append(channel._get("mail")["number"])
                taken.append(1)
            except Empty:
                pass
        return found

    taken: list[int] = []
    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(take) for _ in range(2)]
        writers = [connection.channel() for _ in range(4)]
        list(pool.map(lambda number: writers[number % 4]._put("mail", {"number": number}), range(100)))
        found = [number for reader in readers for number in reader.result(60)]
    assert sorted(found) == list(range(100))
    with pytest.raises(Empty):
        connection.channel()._get("mail")


def test_the_site_uses_it(settings):
    assert Connection(file_broker.URL).transport_cls == "files"
    assert isinstance(Connection(file_broker.URL).transport, file_broker.Transport)
