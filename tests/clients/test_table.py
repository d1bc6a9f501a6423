"""The table of clients: made of scripts, and each section of the page shows lines that a script has run."""

import re
from datetime import date

import pytest

from tests.clients.catalog import CLIENTS, PAGE, SCRIPTS, Client, Trial, reported, row, rows_of, with_rows

SECTION = re.compile(r"^### (.+)\n((?:.*\n)*?)(?=###? |\Z)", re.MULTILINE)
CODE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: How scripts write what a reader fills in.
FILLED_IN = {
    r'f"(?=[^"\n]*\{(?:SITE|KEY|MODEL|EMBEDDING_MODEL)\})': '"',
    r"\$?\{SITE\}|\$SITE": "http://127.0.0.1:8000",
    r"\$?\{KEY\}|\$KEY": "<your key>",
    r"\$?\{MODEL\}|\$MODEL": "openai/gpt-4o-mini",
    r"\bKEY\b": '"<your key>"',
    r"\bMODEL\b": '"openai/gpt-4o-mini"',
    r"\bTHINKING_MODEL\b": '"anthropic/claude-sonnet-4.5"',
    r"`": '"',
}


def sections() -> dict[str, str]:
    return {found[1]: found[2] for found in SECTION.finditer(PAGE.read_text() + "\n")}


def lines_run_by(client: Client) -> str:
    text = (SCRIPTS / client.script).read_text()
    for written, filled in FILLED_IN.items():
        text = re.sub(written, filled, text)
    return " ".join(text.split())


def test_every_script_is_a_client_and_every_client_has_a_row_and_a_section_in_order():
    assert {client.script for client in CLIENTS} == {path.name for path in SCRIPTS.glob("with_*")}
    titles = [client.title for client in CLIENTS]
    assert list(rows_of(PAGE.read_text())) == titles
    assert list(sections()) == titles


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_lines_of_a_section_are_lines_of_its_script(client):
    run, shown = lines_run_by(client), CODE.findall(sections()[client.title])
    assert shown
    lines = [line for code in shown for line in code.splitlines() if line.strip()]
    assert [line for line in lines if " ".join(line.split()) not in run] == []


def test_rows_are_what_the_runner_prints():
    widths = {line.count("|") for line in rows_of(PAGE.read_text()).values()}
    trial = Trial("1.2", {"answer": None, "stream": "TypeError: odd", "models": None, "errors": "no"})
    line = row(CLIENTS[0], trial, date(2026, 1, 2))
    assert (
        line == "| [OpenAI, Python](#openai-python) | 1.2 | 2026-01-02 | yes | no |  |  |  |  |  | models, no errors |"
    )
    assert widths == {line.count("|")}


def test_a_new_row_takes_the_place_of_the_old_one_and_the_order_is_kept():
    days = [date(2026, 1, day) for day in (1, 2)]
    first, last = CLIENTS[0], CLIENTS[-1]
    old = [row(client, Trial("1", {"answer": None}), days[0]) for client in (last, first)]
    new = row(first, Trial("2", {"answer": "worse"}), days[1])
    page = with_rows(f"Before\n\n| client | version |\n| --- | --- |\n{old[0]}\n\nAfter\n", [old[1]])
    assert list(rows_of(page)) == [first.title, last.title]
    again = with_rows(page, [new])
    assert list(rows_of(again).values()) == [new, old[0]]
    assert again.startswith("Before\n\n| client |") and again.endswith(f"{old[0]}\n\nAfter\n")


def test_a_scripts_output_is_its_lines_of_json_among_others():
    printed = (
        '{"version": "7"}\nAgent: thinking\n{"feature": "answer", "error": null}\n{"feature": "tools", "error": "x"}\n'
    )
    assert reported(printed) == Trial("7", {"answer": None, "tools": "x"})
