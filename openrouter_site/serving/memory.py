"""Memory of a web process: what lives as long as the process, and what it frees and soon needs again."""

import ctypes
import gc

__all__ = ["freeze_startup_objects", "keep_freed_memory"]

#: glibc's numbers of these options (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Bytes of free memory that are kept, and from which on an object gets pages of its own, which are returned at once.
KEPT_BYTES = 32 * 1024 * 1024
LARGE_BYTES = 4 * 1024 * 1024


def freeze_startup_objects() -> None:
    """Exempt everything in memory from garbage collection."""
    gc.collect()
    gc.freeze()


def keep_freed_memory() -> None:
    """Have glibc keep free memory for the next response; other C libraries keep their own habits.

    glibc returns all but a few hundred kilobytes to the kernel, which clears each page when it is needed again. For a
    hundred embeddings that took as long as everything else that the gateway does with them.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
