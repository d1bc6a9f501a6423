"""Preferences: the user's own, and the organization's defaults, which only admins change."""

import pytest

from accounts import time_zones
from models_catalog.loading import bundled

URL = "/settings/preferences"
DISPLAY = "/settings/preferences/display"
SHOWN = {"theme": "system", "time_zone": "", "date_format": "day"}


@pytest.fixture(autouse=True)
def catalogue(db) -> None:
    bundled.load_bundled()


def test_an_admin_chooses_the_default_model_and_sort(alice_client, organisation):
    sent = {"default_model": " openai/gpt-4o ", "default_sort": "throughput"}
    assert b"Preferences saved." in alice_client.post(URL, sent, follow=True).content
    organisation.refresh_from_db()
    assert (organisation.default_model, organisation.default_sort) == ("openai/gpt-4o", "throughput")
    page = alice_client.get(URL).content
    assert b'value="openai/gpt-4o"' in page
    assert b'<option value="throughput" selected>' in page
    alice_client.post(URL, {"default_model": ""})
    organisation.refresh_from_db()
    assert (organisation.default_model, organisation.default_sort) == ("", "")


def test_a_model_or_sort_that_does_not_exist_is_refused_and_what_was_typed_stays(alice_client, organisation):
    answer = alice_client.post(URL, {"default_model": "<b>none", "default_sort": "luck"})
    assert answer.status_code == 422
    assert b"Model not found" in answer.content and b"luck is not one of the available choices" in answer.content
    assert b"&lt;b&gt;none" in answer.content
    organisation.refresh_from_db()
    assert (organisation.default_model, organisation.default_sort) == ("", "")


def test_a_member_reads_and_an_outsider_sees_their_own(bob_client, charlie_client, organisation):
    organisation.default_model = "openai/gpt-4o"
    organisation.save()
    assert b"Only admins of" in bob_client.get(URL).content
    assert bob_client.post(URL, {"default_model": ""}).status_code == 403
    assert b"openai/gpt-4o" not in charlie_client.get(URL).content.replace(b'<option value="openai/gpt-4o', b"")


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" america/new york ", "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),  # as browsers still call it
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("utc", ""),
        ("", ""),
    ],
)
def test_a_member_chooses_a_zone_and_a_format(bob_client, bob, typed, saved):
    sent = SHOWN | {"time_zone": typed, "date_format": "month"}
    assert b"Preferences saved." in bob_client.post(DISPLAY, sent, follow=True).content
    bob.refresh_from_db()
    assert (bob.time_zone, bob.date_format) == (saved, "month")


@pytest.mark.parametrize(
    "typed", ["Mars/Olympus", "../../etc/passwd", "<script>", "localtime", "Europe/Berlin\0", "x" * 300]
)
def test_a_zone_that_does_not_exist_is_refused_and_what_was_typed_stays(alice_client, alice, typed):
    response = alice_client.post(DISPLAY, SHOWN | {"time_zone": typed, "theme": "dark"})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'aria-invalid="true"' in page and "<script>" not in page.partition("<main")[2].partition("</main>")[0]
    assert typed.replace("<", "&lt;").replace(">", "&gt;") in page
    assert '<option value="dark" selected>' in page and "theme" not in response.cookies
    alice.refresh_from_db()
    assert alice.time_zone == ""


@pytest.mark.parametrize("sent", [{}, {"date_format": "roman"}, {"theme": "neon"}])
def test_choices_that_do_not_exist_change_nothing(alice_client, alice, sent):
    assert alice_client.post(DISPLAY, (SHOWN | {"time_zone": "Asia/Tokyo"} | sent) if sent else {}).status_code == 422
    alice.refresh_from_db()
    assert (alice.time_zone, alice.date_format) == ("", "day")


def test_the_theme_is_the_browsers_cookie(alice_client):
    response = alice_client.post(DISPLAY, SHOWN | {"theme": "dark"})
    assert response.cookies["theme"].value == "dark"
    page = alice_client.get(URL).content
    assert b'<html lang="en" data-theme="dark"' in page and b'<option value="dark" selected>' in page
    assert alice_client.post(DISPLAY, SHOWN).cookies["theme"].value == ""
    alice_client.cookies["theme"] = "<script>"
    assert b'<option value="system" selected>' in alice_client.get(URL).content


def test_a_reload_after_an_error_leads_back(alice_client):
    assert alice_client.get(DISPLAY).url == URL


def test_every_zone_that_is_offered_is_known():
    zones = time_zones.offered()
    assert len(zones) > 300 and zones[0] == "UTC"
    assert [name for name in zones[1:] if time_zones.find(name) != name] == []
