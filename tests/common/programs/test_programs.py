"""Texts and values keep their meaning in every language that programs are written in."""

import inspect
import json
import shlex
import shutil
import subprocess
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.programs import Call, programs
from common.programs.literals import JAVASCRIPT, JSON, PYTHON, literal
from common.programs.packages import PACKAGES

HOSTILE: dict[str, Any] = {
    "quotes": "' \" ` \\ ''' \"\"\" \\' \\\" it's",
    "lines": "one\ntwo\r\nthree\ttab\x0bvertical\u2028separator\u2029paragraph\x85next",
    "code": "$HOME ${HOME} $(id) `id` %s {x} {{x}} ${`x`} \\u0041 \\n <!-- </script> */ // # EOF",
    "hidden": "\x00\x07\x1b[31m\x7f\u202e\u200b\ufeff\U000e0041",
    "letters": "日本語 العربية 😀 👩‍👩‍👧 ﬁ é e\u0301",
    "__proto__": {"constructor": 1, "toString": None},
    "not-a-name": [True, False, None, 0, -1.5, 1e-7, 2**53 - 1, [], {}, ""],
    "class": {"def": {"a b": [1, [2, [3, {"x": "y" * 90}]]]}},
    "": "empty key",
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(JSON_VALUES)
def test_literals_of_python_and_json_have_the_same_value(value: Any):
    assert eval(literal(value, PYTHON), {}) == value
    assert json.loads(literal(value, JSON)) == value


def test_hostile_texts_pass_through_every_language():
    assert eval(literal(HOSTILE, PYTHON), {}) == HOSTILE
    assert json.loads(literal(HOSTILE, JSON)) == HOSTILE
    for syntax in (PYTHON, JSON, JAVASCRIPT):
        assert literal(HOSTILE, syntax).replace("\n", "").isprintable()  # nothing in the code hides
    node = shutil.which("node")
    if not node:
        pytest.skip("There is no node.")
    script = f"console.log(JSON.stringify({literal(HOSTILE, JAVASCRIPT)}))"
    printed = subprocess.run([node, "-e", script], capture_output=True, check=True, text=True).stdout
    assert json.loads(printed) == HOSTILE


def test_curl_gets_the_body_and_the_headers_from_a_shell():
    [curl, *_] = programs(Call("chat/completions", HOSTILE, {"X-Title": "it's $(id) \\"}))
    shown = curl.code.replace("curl ", "printf '%s\\0' ", 1)
    printed = subprocess.run(["sh", "-c", shown], capture_output=True, check=True, text=True).stdout.split("\0")
    assert "X-Title: it's $(id) \\" in printed
    assert json.loads(printed[printed.index("-d") + 1]) == HOSTILE
    assert shlex.split(curl.code)[0] == "curl"


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="not a JSON number"):
        literal({"x": float("inf")}, JSON)


@pytest.mark.parametrize("path", PACKAGES)
def test_packages_take_the_fields_that_are_their_arguments(path: str):
    package = PACKAGES[path]
    method: Any = getattr({"openai": openai, "anthropic": anthropic}[package.package], package.client)(api_key="key")
    for name in package.call.split("."):
        method = getattr(method, name)
    assert package.fields <= inspect.signature(method).parameters.keys()


def test_every_program_of_python_compiles():
    for path in ("chat/completions", "messages", "responses", "embeddings", "rerank"):
        for body in (HOSTILE, {"stream": True, **HOSTILE}, {"tools": [{}], **HOSTILE}):
            for program in programs(Call(path, body)):
                if program.language == "python":
                    compile(program.code, program.name, "exec")
