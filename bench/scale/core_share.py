"""Processes that may use only a share of a core, so that several do not fill a machine that has few cores."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["limited"]

#: Microseconds. The kernel's usual 100,000 would let a process run at full speed and then stand still for long.
PERIOD = 20_000
_VERSION_1 = Path("/sys/fs/cgroup/cpu")


@contextlib.contextmanager
def limited(pid: int, share: float) -> Iterator[None]:
    """Give a process, and the children that it starts, this share of a core until the end of the block.

    It needs the right to make control groups, as root has it; OSError without it.
    """
    root = _VERSION_1 if _VERSION_1.exists() else Path("/sys/fs/cgroup")
    group = root / f"bench-{pid}"
    group.mkdir()
    quota = int(PERIOD * share)
    try:
        if root == _VERSION_1:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            (root / "cgroup.procs").write_text(left)
        group.rmdir()
