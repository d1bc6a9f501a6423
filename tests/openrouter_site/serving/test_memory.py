"""Memory that a web process frees is there for its next response."""

import platform
import subprocess
import sys

import pytest

#: Takes and frees three megabytes in pieces a hundred times, as responses of embeddings do. Prints how many pages the
#: kernel has given meanwhile.
RESPONSES = """
from resource import RUSAGE_SELF, getrusage
{first}
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(100):
    pieces = [bytes(256 * 1024) for _ in range(12)]
    del pieces
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


def pages_given(first: str = "") -> int:
    script = RESPONSES.format(first=first)
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other options")
def test_freed_memory_is_kept_for_the_next_response():
    kept = pages_given("from openrouter_site.serving.memory import keep_freed_memory\nkeep_freed_memory()")
    assert kept < pages_given() / 10
