"""Identifiers: their form, and that no two are the same."""

import re
import subprocess
import sys

from common.naming.ids import generation_id, request_id


def test_ids_have_their_form_and_none_comes_twice():
    many = [request_id() for _ in range(2000)]
    assert len(set(many)) == 2000
    assert all(re.fullmatch(r"[0-9a-f]{24}", each) for each in many)
    assert re.fullmatch(r"gen-1700000000-[0-9a-f]{20}", generation_id(1_700_000_000.9))
    assert len({generation_id(1.0) for _ in range(2000)}) == 2000


def test_a_child_process_has_ids_of_its_own():
    script = (
        "import os\nfrom common.naming.ids import request_id\nrequest_id()\nchild = os.fork()\n"
        "os.write(1, request_id().encode() + b' ')\nif child:\n    os.waitpid(child, 0)\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second = output.stdout.split()
    assert first != second
