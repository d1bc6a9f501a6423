"""The packages that a web process has in memory before its first request."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.environment import ROOT

#: Packages of rare pages, each of some megabytes.
RARE = {"PIL", "fontTools", "fpdf", "json_repair", "qrcode", "toktok", "uharfbuzz"}
PROGRAM = """
import sys
import openrouter_site.asgi, openrouter_site.urls
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_packages_of_rare_pages_are_imported_when_they_are_needed(tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.returncode == 0
    imported = set(run.stdout.split())
    assert {"django", "ninja", "stripe"} <= imported
    assert imported & RARE == set()
