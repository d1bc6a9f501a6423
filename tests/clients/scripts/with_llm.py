"""LLM, the command line."""

import base64
import json
import os
import subprocess
from pathlib import Path
from string import Template

from feature import KEY, PICTURE, PICTURE_QUESTION, QUESTION, SITE, feature

CONFIGURATION = """\
- model_id: gateway
  model_name: openai/gpt-4o-mini
  api_base: $SITE/api/v1
  api_key_name: gateway
  supports_schema: true
  supports_tools: true
  vision: true
"""
folder = Path("llm-files").resolve()
folder.mkdir(exist_ok=True)
(folder / "extra-openai-models.yaml").write_text(Template(CONFIGURATION).substitute(SITE=SITE))
(folder / "red.png").write_bytes(base64.b64decode(PICTURE))
os.environ["LLM_USER_PATH"] = str(folder)


def run(*arguments):
    ended = subprocess.run(["llm", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


run("keys", "set", "gateway", "--value", KEY)


@feature
def answer():
    assert run("-m", "gateway", "--no-stream", "--system", "Be brief.", QUESTION)


@feature
def stream():
    assert run("-m", "gateway", QUESTION)


@feature
def tools():
    assert "`llm_version` returned" in run("-m", "gateway", "-T", "llm_version", "What is the llm version?")


@feature
def structured_output():
    city = json.loads(run("-m", "gateway", "--schema", "name, population int", "Describe Lisbon"))
    assert isinstance(city["population"], int)


@feature
def images():
    assert "image" in run("-m", "gateway", "-a", str(folder / "red.png"), PICTURE_QUESTION)
