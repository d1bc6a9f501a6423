"""Aider."""

import shlex
import subprocess
from pathlib import Path
from string import Template

from feature import KEY, MODEL, QUESTION, SITE, feature

EDIT = """\
hello.py
```python
<<<<<<< SEARCH
print(1)
=======
print(2)
>>>>>>> REPLACE
```
"""


COMMAND = """\
aider --model openrouter/$MODEL --set-env OPENROUTER_API_BASE=$SITE/api/v1 --api-key "openrouter=$KEY"
"""
QUIETLY = """
    --no-git --yes-always --no-check-update --no-analytics --no-show-model-warnings --no-show-release-notes
    --no-detect-urls --map-tokens 0 --chat-history-file chat --input-history-file input
"""


def run(*arguments):
    command = shlex.split(Template(COMMAND).substitute(MODEL=MODEL, SITE=SITE, KEY=KEY))
    command += [*QUIETLY.split(), *arguments]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode == 0 and "Error" not in ended.stdout, ended.stdout + ended.stderr
    return ended.stdout


@feature
def answer():
    assert "Tokens:" in run("--no-stream", "--message", QUESTION)


@feature
def stream():
    assert "Tokens:" in run("--stream", "--message", QUESTION)


@feature
def edits():
    Path("hello.py").write_text("print(1)\n")
    run("--edit-format", "diff", "--message", f'Reply with exactly "{EDIT}"', "hello.py")
    assert Path("hello.py").read_text() == "print(2)\n"
