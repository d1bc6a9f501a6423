"""Files of counts: a full disk must not end the process that counts."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from common.telemetry import metric_files
from common.telemetry.metric_files import ReservedFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reserves on Linux only")


def counted(path: Path) -> dict[str, float]:
    return {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}


def holes(path: Path) -> int:
    """Bytes of the file that have no place on the disk yet."""
    return max(path.stat().st_size - path.stat().st_blocks * 512, 0)


def test_a_file_has_all_its_blocks_when_it_is_made_and_when_it_grows(tmp_path):
    path = tmp_path / "counter_0.db"
    file = ReservedFile(str(path))
    assert (path.stat().st_size, holes(path)) == (metric_files.INITIAL_BYTES, 0)
    for number in range(1200):
        file.write_value(f"name-{number:0>60}", float(number), 0.0)
    assert path.stat().st_size > metric_files.INITIAL_BYTES and holes(path) == 0
    file.close()
    assert len(counted(path)) == 1200 and counted(path)[f"name-{7:0>60}"] == 7


def test_a_file_of_an_earlier_version_is_given_its_blocks(tmp_path):
    path = tmp_path / "counter_0.db"
    old = MmapedDict(str(path))
    old.write_value("name", 3.0, 0.0)
    old.close()
    file = ReservedFile(str(path))
    assert holes(path) == 0 and file.read_value("name")[0] == 3
    file.close()


def fill_up(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_without_room_the_process_counts_on_in_memory(tmp_path, monkeypatch, caplog):
    path = tmp_path / "counter_0.db"
    monkeypatch.setattr(os, "posix_fallocate", fill_up)
    file = ReservedFile(str(path))
    file.write_value("name", 3.0, 0.0)
    assert file.read_value("name")[0] == 3
    assert path.stat().st_size == 0 and "No space left" in caplog.text
    file.close()


def test_a_file_that_can_not_grow_keeps_its_counts_in_memory(tmp_path, monkeypatch, caplog):
    path = tmp_path / "counter_0.db"
    file = ReservedFile(str(path))
    file.write_value("first", 3.0, 0.0)
    monkeypatch.setattr(os, "posix_fallocate", fill_up)
    for number in range(1200):
        file.write_value(f"name-{number:0>60}", float(number), 0.0)
    assert file.read_value("first")[0] == 3 and file.read_value(f"name-{1199:0>60}")[0] == 1199
    assert (path.stat().st_size, caplog.text.count("No space left")) == (metric_files.INITIAL_BYTES, 1)
    assert counted(path)["first"] == 3
    file.close()


def test_the_counts_of_the_site_are_kept_in_such_files(tmp_path):
    program = (
        "import django; django.setup()\n"
        "from common.telemetry import metrics\n"
        "metrics.HTTP_REQUESTS.labels('pages', '200').inc()\n"
        "print(*(str(path) for path in metrics.FOLDER.glob('*.db')))"
    )
    env = os.environ | {
        "DATA_DIR": str(tmp_path),
        "DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "openrouter_site.settings",
    }
    run = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    paths = [Path(each) for each in run.stdout.split()]
    assert paths and all(path.stat().st_size >= metric_files.INITIAL_BYTES and not holes(path) for path in paths)
