"""curl."""

import gzip
import json
import os
import subprocess
from pathlib import Path
from string import Template

from feature import KEY, SITE, feature

COMMAND = """\
curl $SITE/api/v1/chat/completions \\
  -H "Authorization: Bearer $KEY" \\
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
"""
STREAMED = COMMAND.replace("curl ", "curl --no-buffer ").replace('"messages"', '"stream": true, "messages"')
print(json.dumps({"version": subprocess.check_output(["curl", "--version"], text=True).split()[1]}))


def run(command, *options):
    command = Template(command).substitute(SITE=SITE, KEY=KEY).replace("curl ", f"curl --silent {' '.join(options)} ")
    return subprocess.check_output(["sh", "-c", command], text=True, env=os.environ)


@feature
def answer():
    for options in ([], ["--compressed"], ["--http1.0"], ["-H", "'Expect: 100-continue'"]):
        assert json.loads(run(COMMAND, *options))["choices"][0]["message"]["content"], options


@feature
def stream():
    assert run(STREAMED).endswith("data: [DONE]\n\n")
    assert run(STREAMED, "--http1.0", "--compressed").endswith("data: [DONE]\n\n")


@feature
def gzipped_requests():
    body = COMMAND.partition("-d '")[2].rstrip("'\n")
    Path("body.gz").write_bytes(gzip.compress(body.encode()))
    command = COMMAND.partition("-d ")[0] + "-H 'Content-Encoding: gzip' --data-binary @body.gz"
    assert "choices" in json.loads(run(command))
