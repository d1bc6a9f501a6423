"""Files of EXPORT_DIR: one has its name when it is complete, also after a loss of power."""

import os
import sys
from pathlib import Path

__all__ = ["publish"]


def publish(unfinished: Path, target: Path) -> None:
    """Write a file onto the disk itself, then give it its name, in place of a file that has it. Raises OSError."""
    _sync(unfinished)
    unfinished.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    if sys.platform == "win32":  # it syncs no folders, and no files that are open for reading
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
