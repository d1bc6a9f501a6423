"""The documents for operators name what exists: commands with their options, alerts, metrics, settings, pages."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from common.telemetry import metrics
from operations.alerting import incidents
from operations.telemetry import exposition
from scripts.environment import ROOT
from tests.operations.test_containers import documented_settings

FOLDER = ROOT / "docs/operations"
PAGES = sorted(FOLDER.glob("*.md"))
#: Variables of the shell and of other programs.
NOT_OURS = {"RESTORED_URL", "BASE"}
COMMAND = re.compile(r"manage\.py\s+([a-z_]+)((?:\s+(?:--?[a-z-]+|\"[^\"]*\"|[\w$/@.<>-]+))*)")


def parts(page: str, title: str) -> str:
    """Return the text below a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", (FOLDER / page).read_text(), re.M | re.S)
    assert found, f"{page} has no section {title}"
    return found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_and_option_exists(page):
    for name, rest in COMMAND.findall(page.read_text()):
        assert name in get_commands(), name
        app = get_commands()[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        parser = command.create_parser("manage.py", name)
        known = {option for action in parser._actions for option in action.option_strings}
        assert {word for word in rest.split() if word.startswith("--")} - known == set(), name
        assert isinstance(parser, argparse.ArgumentParser)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere_and_the_index_lists_each_page(page):
    linked = re.findall(r"\]\(([\w.-]+\.md)(?:#[\w-]+)?\)", page.read_text())
    assert {name for name in linked if not (FOLDER / name).exists()} == set()
    assert page.name == "README.md" or f"({page.name})" in (FOLDER / "README.md").read_text()


def test_each_variable_is_a_setting():
    named = {
        name for page in PAGES for name in re.findall(r"[`$\s\"{]([A-Z]+_[A-Z_]+)\b(?:=|`|\"|\})", page.read_text())
    }
    assert len(named) > 15
    assert named - documented_settings() - NOT_OURS == set()


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())["groups"]
    return group["rules"]


def test_each_alert_has_a_section_with_meaning_check_and_remedy():
    titles = [title.format(subject="…") for title, _ in incidents.KINDS.values()]
    titles += [rule["alert"] for rule in rules()]
    for title in titles:
        text = parts("incidents.md", title)
        assert re.findall(r"^\*\*(\w+)\.\*\* \S", text, re.M) == ["Meaning", "Check", "Do"], title


def anchors(page: str) -> set[str]:
    return {incidents.anchor_of(title) for title in re.findall(r"^#+ (.*)$", (FOLDER / page).read_text(), re.M)}


def test_each_alert_says_what_it_is_how_grave_and_where_its_steps_are():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert ROOT / page == FOLDER / "incidents.md"
        assert anchor == incidents.anchor_of(rule["alert"]) and anchor in anchors("incidents.md")


def test_each_email_about_an_incident_leads_to_its_section():
    for kind in incidents.KINDS:
        anchor = re.search(r"Steps: docs/operations/incidents\.md#(\S+)", incidents.steps(kind))[1]
        assert anchor in anchors("incidents.md"), kind


def test_alerts_and_documents_name_metrics_that_exist():
    source = Path(exposition.__file__).read_text() + Path(metrics.__file__).read_text()
    texts = [rule["expr"] for rule in rules()] + [page.read_text() for page in PAGES]
    named = {name for text in texts for name in re.findall(r"\bopenrouter_[a-z_]+", text)} - {"openrouter_site"}
    assert len(named) > 7
    assert [name for name in named if f'"{name.removesuffix("_total")}"' not in source] == []
