"""The files that counts are kept in, with room on the disk that is reserved before it is used.

prometheus-client maps files with holes into memory. On a full disk, the kernel ends a process that writes into a hole:
the counts would end the site. A file for which there is no room is kept in memory, where this process alone sees it.
"""

import logging
import mmap
import os
import sys

from prometheus_client import mmap_dict

__all__ = ["ReservedFile"]

log = logging.getLogger(__name__)

INITIAL_BYTES: int = mmap_dict._INITIAL_MMAP_SIZE


class ReservedFile(mmap_dict.MmapedDict):
    """A file of counts."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        in_memory = -1
        try:
            with open(filename, "ab") as file:
                _reserve(file.fileno(), max(os.fstat(file.fileno()).st_size, INITIAL_BYTES))
        except OSError as error:
            in_memory = _memory(filename, error)
            filename = f"/proc/self/fd/{in_memory}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        if in_memory >= 0:
            os.close(in_memory)  # it is open a second time

    def _init_value(self, key: str) -> None:
        # A name is filled up with up to 8 spaces, after 4 bytes with its length and before 16 of its count.
        if self._used + len(key.encode()) + 28 > self._capacity:
            try:
                _reserve(self._f.fileno(), 2 * self._capacity)
            except OSError as error:
                self._move_to_memory(error)
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _move_to_memory(self, error: OSError) -> None:
        file = os.fdopen(_memory(self._fname, error), "r+b")
        file.truncate(self._capacity)
        copied = mmap.mmap(file.fileno(), self._capacity)
        copied[:] = self._m[:]
        self._m.close()
        self._f.close()
        self._f, self._m = file, copied


def _reserve(descriptor: int, size: int) -> None:
    """Give a file this size, and blocks of the disk for all of it. Raises OSError if the disk is full."""
    if sys.platform == "linux":
        os.posix_fallocate(descriptor, 0, size)


def _memory(filename: str, error: OSError) -> int:
    """Return the descriptor of a file in memory."""
    if sys.platform != "linux":
        raise error
    log.error("metrics of this process are kept in memory, and not shown: %s: %s", filename, error.strerror)
    return os.memfd_create("metrics")
