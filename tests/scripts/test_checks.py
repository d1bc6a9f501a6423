"""`make test`: every suite runs, also after one that failed, and the failure is not overlooked."""

from pathlib import Path

import pytest

from scripts import checks
from scripts.progress import Stop

STORES = ("postgres://localhost/site", "redis://localhost/0")
SUITES = ["Tests on SQLite", "Tests on PostgreSQL and Redis", "Tests in a browser against the real processes"]


@pytest.mark.parametrize(
    ("codes", "ended_with"),
    [((0, 0, 0), 0), ((1, 0, 0), 1), ((0, 3, 1), 3), ((0, 0, 1), 1)],
)
def test_every_suite_runs_and_the_first_failure_is_the_result(monkeypatch, capsys, codes, ended_with):
    left = list(codes)

    def run(command: list[str], env: dict[str, str]) -> int:
        print("pytest")
        return left.pop(0)

    monkeypatch.setattr(checks, "call", run)
    assert checks._tests(*STORES, "/usr/bin/chromium") == ended_with
    assert left == []
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert [line for line in lines if line in SUITES] == SUITES
    assert lines[-1] == "pytest"
    told = [f"!!! FAILED: {suite}" for suite, code in zip(SUITES[:2], codes, strict=False) if code]
    assert [line for line in lines if "FAILED" in line] == told
    assert lines[-2 - len(told) : -2] == told  # right before the last suite


def test_the_browser_suite_gets_the_files_that_the_first_found_and_the_last_leaves_no_databases(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setenv("TEST_SHARED_DIR_KEPT", "1")  # by the run that this test is in
    monkeypatch.setenv("TEST_BROWSER_FILES", str(tmp_path / "files.txt"))

    def run(command: list[str], env: dict[str, str]) -> int:
        ran.append((command, env))
        if found := env.get("TEST_BROWSER_FILES"):
            Path(found).write_text("tests/browser/test_credits.py\ntests/test_stories.py")
        return 0

    monkeypatch.setattr(checks, "call", run)
    checks._tests(*STORES, "/usr/bin/chromium")
    files = [[argument for argument in command if argument.endswith(".py")] for command, _ in ran]
    assert [[name for name in names if "ignore" not in name] for names in files] == [
        [], [], ["tests/browser/test_credits.py", "tests/test_stories.py"],
    ]  # fmt: skip
    assert len({env["TEST_SHARED_DIR"] for _, env in ran}) == 1
    assert [bool(env["TEST_SHARED_DIR_KEPT"]) for _, env in ran] == [True, True, False]
    assert not (tmp_path / "files.txt").exists()


def test_a_machine_without_servers_says_what_it_did_not_run(monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(checks, "call", lambda *_: 0)
    assert checks._tests("", "", "") == 0
    told = capsys.readouterr().out
    assert told.count("!!! NOT RUN: tests ") == 2 and told.rstrip().endswith("Tests on SQLite")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Stop, match="Cannot run tests in a browser"):
        checks._tests(*STORES, "")


@pytest.mark.parametrize(("program", "told"), [("print('fine')", ""), ("import sys; sys.exit('a fault')", "a fault")])
def test_types_are_checked_beside_the_first_suite_and_a_fault_ends_the_run(monkeypatch, program, told):
    ran = []
    monkeypatch.setattr(checks, "TYPES", ("Types", ["-c", program], ""))
    monkeypatch.setattr(checks, "call", lambda command, _: ran.append(command) or 0)
    with checks._types_beside() as types:
        if told:
            with pytest.raises(Stop, match=told):
                checks._tests(*STORES, "/usr/bin/chromium", types)
        else:
            assert checks._tests(*STORES, "/usr/bin/chromium", types) == 0
    assert len(ran) == (1 if told else 3)
