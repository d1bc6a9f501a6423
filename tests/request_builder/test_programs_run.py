"""Every program of the page runs against the site, and its text arrives as it was typed."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import requests

from scripts.environment import ROOT
from tests.browser.people import Person
from tests.request_builder.posting import PATH, code_in, fields
from tests.support.processes import Site

#: Shells, languages and HTML read each of these in their own way.
HOSTILE = 'It\'s "quoted" \\ back\\n `id` $(id) ${HOME} %s {x} </code> &amp; 日本 😀 // end'
SAYING = f"Say exactly: {HOSTILE}"

CASES = {
    "chat": fields("chat/completions", SAYING, stream="on", title="it's $HOME", provider_sort="price", top_k="5"),
    "whole": fields("chat/completions", SAYING, stop="'never'", metadata='{"it\'s": "\\\\"}', format="", user="a'b"),
    "messages": fields("messages", SAYING, max_tokens="500", stream="on", temperature="1", stop="'never'"),
    "responses": fields("responses", SAYING, stream="on", system="Don't \"explain\".", provider_ignore="a'b"),
    "embeddings": fields("embeddings", model="openai/text-embedding-3-small", input=f"{HOSTILE}\n'second'"),
}  # fmt: skip


@pytest.fixture
def programs(site: Site) -> Iterator[dict[str, dict[str, str]]]:
    """The programs of each case, from the page."""
    with requests.Session() as visitor:
        visitor.get(site.url + PATH)
        headers = {"X-CSRFToken": visitor.cookies["csrftoken"], "Referer": site.url}
        yield {
            name: code_in(visitor.post(site.url + PATH, data=posted, headers=headers).text)
            for name, posted in CASES.items()
        }


def expected(case: str, printed: str) -> None:
    assert printed.strip() == ("1536" if case == "embeddings" else HOSTILE), case


def test_programs_in_python_and_curl_run(
    programs: dict[str, dict[str, str]], customer: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENROUTER_API_KEY", customer.key)
    for case, codes in programs.items():
        assert set(codes) == {"curl", "python", "requests", "httpx", "typescript", "fetch", "json"}, case
        for name in ("python", "requests", "httpx"):
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(codes[name], f"{case} {name}", "exec"), {"__name__": "__main__"})
            expected(case, printed.getvalue())
        printed_by_curl = subprocess.run(
            ["sh", "-c", codes["curl"]], capture_output=True, check=True, text=True, timeout=60
        ).stdout
        assert (
            '"error":{' not in printed_by_curl and ("embedding" if case == "embeddings" else "日本") in printed_by_curl
        )


def test_programs_in_typescript_run(programs: dict[str, dict[str, str]], customer: Person, tmp_path: Path):
    node = shutil.which("node")
    if not node:
        pytest.skip("There is no node.")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    cases = [(case, name) for case in programs for name in ("typescript", "fetch")]
    for at, (case, name) in enumerate(cases):
        (tmp_path / f"{at}.mjs").write_text(programs[case][name])
    runs = "".join(f'await import("./{at}.mjs"); console.log("\\u0000");\n' for at in range(len(cases)))
    (tmp_path / "all.mjs").write_text(runs)
    ran = subprocess.run(
        [node, "all.mjs"],
        cwd=tmp_path,
        env={"OPENROUTER_API_KEY": customer.key},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    for (case, _), printed in zip(cases, ran.stdout.split("\0"), strict=False):
        expected(case, printed)
