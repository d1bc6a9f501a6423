"""Saving presets: what is in the rows, limits, races, and new encryption keys."""

import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Organisation
from common.errors import Conflict
from presets import lookup, rules, saving
from presets.content import Content, opened
from presets.models import Preset, PresetVersion
from tests.billing.at_once import all_at_once

PROMPT = "Answer like a heronsaddle."
TOOL = {"type": "function", "function": {"name": "find", "description": "Finds quartzlantern"}}


def texts_in_rows() -> str:
    with connection.cursor() as cursor:
        rows = []
        for table in ("presets_preset", "presets_presetversion"):
            cursor.execute(f"SELECT * FROM {table}")
            rows += cursor.fetchall()
    return repr(rows)


# --- Privacy


def test_prompts_and_tools_are_in_no_row_and_no_log(make_preset, caplog):
    caplog.set_level(logging.DEBUG)
    preset = make_preset("support", PROMPT, tools=[TOOL])
    saving.save(preset, None, Content(system_prompt=f"{PROMPT} Twice.", config={"tools": [TOOL]}))
    saving.duplicate(Preset.objects.select_related("organisation", "designated_version").get(), None)
    assert "support" in texts_in_rows()
    for secret in ("heronsaddle", "quartzlantern"):
        assert secret not in texts_in_rows()
        assert secret not in caplog.text


def test_a_new_encryption_key_reaches_every_version(make_preset, settings, capsys):
    settings.ENCRYPTION_KEYS = ["first-key-of-this-test"]
    preset = make_preset("support", PROMPT)
    saving.save(preset, None, Content(system_prompt="Second."))
    settings.ENCRYPTION_KEYS = ["second-key-of-this-test", "first-key-of-this-test"]
    call_command("rotate_encryption")
    assert "2 versions of presets" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = ["second-key-of-this-test"]
    assert [opened(version).system_prompt for version in preset.versions.order_by("number")] == [PROMPT, "Second."]
    settings.ENCRYPTION_KEYS = ["third-key-of-this-test"]
    with pytest.raises(CommandError, match=r"can't be read.* support"):
        call_command("rotate_encryption")


# --- Slugs


@pytest.mark.parametrize(
    "name, slug",
    [("Customer support", "customer-support"), ("  É-mail! v2 ", "mail-v2"), ("x" * 80, "x" * 64), ("?!", "")],
)
def test_a_slug_is_made_of_the_letters_and_digits_of_a_name(name, slug):
    assert rules.slug_of(name) == slug
    assert not slug or rules.SLUG.fullmatch(slug)


# --- Limits


def test_archived_presets_leave_room(organisation, make_preset, monkeypatch):
    monkeypatch.setattr(saving, "MAX_PRESETS", 1)
    first = make_preset("first")
    with pytest.raises(Conflict, match="the maximum"):
        make_preset("second")
    saving.switch(first, Preset.Status.ARCHIVED)
    make_preset("second")
    with pytest.raises(Conflict, match="the maximum"):
        saving.switch(first, Preset.Status.ACTIVE)


def test_only_a_version_of_the_preset_can_be_designated(make_preset):
    first, second = make_preset("first"), make_preset("second")
    with pytest.raises(ValueError, match="another preset"):
        saving.designate(first, second.designated_version)


def test_a_change_is_visible_in_memory_when_it_is_committed(make_preset, django_capture_on_commit_callbacks):
    preset = make_preset("support")
    lookup.in_use.put((preset.organisation_id, "support"), object(), read_at=lookup.in_use.now())
    with django_capture_on_commit_callbacks() as callbacks:
        saving.switch(preset, Preset.Status.DISABLED)
    assert lookup.in_use.peek((preset.organisation_id, "support")) is not None
    for callback in callbacks:
        callback()
    assert lookup.in_use.peek((preset.organisation_id, "support")) is None


# --- Races


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_saves_at_once_get_a_number_each(organisation, alice, make_preset):
    preset = make_preset("support")
    done = all_at_once(
        *[lambda n=n: saving.save(preset, alice, Content(system_prompt=f"Prompt {n}")) for n in range(6)]
    )
    assert all(isinstance(each, Preset) for each in done), done
    versions = list(PresetVersion.objects.filter(preset=preset).order_by("number"))
    assert [version.number for version in versions] == [1, 2, 3, 4, 5, 6, 7]
    preset.refresh_from_db()
    assert preset.designated_version == versions[-1]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_presets_created_at_once_with_one_slug_one_remains(organisation, alice):
    def create():
        return saving.create(
            Organisation.objects.get(pk=organisation.pk), alice, slug="support", name="Support", content=Content()
        )

    done = all_at_once(*[create] * 4)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Conflict", "Preset"]
    assert Preset.objects.count() == PresetVersion.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_presets_created_at_once_stay_within_the_limit(organisation, alice, monkeypatch):
    monkeypatch.setattr(saving, "MAX_PRESETS", 3)

    def create(number):
        return saving.create(organisation, alice, slug=f"preset-{number}", name="Preset", content=Content())

    all_at_once(*[lambda n=n: create(n) for n in range(6)])
    assert Preset.objects.count() == 3
