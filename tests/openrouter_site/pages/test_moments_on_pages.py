"""Every page writes dates and times for its reader, and nothing but the formatter writes them."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.models import Purchase
from keys import issuing
from models_catalog.loading import bundled
from presets.models import Preset
from scripts.environment import ROOT
from tests.activity.factory import make_request

#: Summer in New York, and already the next day in India.
MOMENT = datetime(2026, 7, 1, 20, 0, 5, tzinfo=UTC)
ZONES = {"": ("UTC", "1 Jul 2026, 20:00", "UTC"), "Asia/Kolkata": ("Asia/Kolkata", "2 Jul 2026, 01:30", "IST"),
         "America/New_York": ("America/New York", "1 Jul 2026, 16:00", "EDT")}  # fmt: skip


@pytest.fixture(params=ZONES)
def zone(request, alice) -> str:
    User.objects.filter(pk=alice.pk).update(time_zone=request.param)
    return request.param


def elements(page: str) -> list[str]:
    return re.findall(r'<time datetime="2026-07-01T20:00:05Z" title="[^"]*1 Jul 2026, 20:00:05 UTC\)?">([^<]+)<', page)


def test_lists_of_requests_name_the_zone(alice_client, account, zone):
    make_request(account, MOMENT)
    named, text, _ = ZONES[zone]
    row = text.replace(" 2026", "") + ":05"
    for address in ("/logs", "/activity?period=all"):
        page = alice_client.get(address).content.decode()
        assert f"Times in {named}" in page, address
        assert elements(page) == [row], address


def test_a_request_has_its_moment_with_seconds(alice_client, account, zone):
    row = make_request(account, MOMENT)
    _, text, short = ZONES[zone]
    assert f"{text}:05 {short}" in elements(alice_client.get(f"/activity/{row.pk}").content.decode())


def test_the_history_of_credits_names_the_zone(alice_client, account, zone):
    Purchase.objects.create(account=account, credit_cents=1000, fee_cents=80, fee_basis_points=550, created_at=MOMENT)
    named, text, _ = ZONES[zone]
    page = alice_client.get("/settings/credits").content.decode()
    assert f"({named})" in page
    assert set(elements(page)) == {text}


def test_keys_and_presets_have_local_days(alice_client, alice, organisation, zone):
    _, text, short = ZONES[zone]
    key, _ = issuing.create(organisation, alice, "Program")
    type(key).objects.update(created_at=MOMENT, expires_at=MOMENT)
    page = alice_client.get(f"/settings/keys/{key.hash}").content.decode()
    assert elements(page) == [f"{text} {short}"] * 2
    assert elements(alice_client.get("/settings/keys").content.decode()) == [text.partition(",")[0]]
    alice_client.post("/settings/presets/create", {"name": "Mine", "slug": "mine", "system_prompt": "Be brief."})
    Preset.objects.update(updated_at=MOMENT)
    page = alice_client.get("/settings/presets").content.decode()
    assert f"{text}:05 {short}" in page
    assert len(elements(page)) == 1


def test_a_model_was_added_on_the_same_day_everywhere(alice_client, zone):
    bundled.load_bundled()
    day = re.compile(r'<time datetime="\d{4}-\d\d-\d\d">[^<]+</time>')
    visitors = day.findall(Client().get("/models").content.decode())
    assert visitors
    assert day.findall(alice_client.get("/models").content.decode()) == visitors


def test_the_reader_costs_no_query(alice_client, alice, account):
    make_request(account, MOMENT)
    alice_client.get("/logs")

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert elements(alice_client.get("/logs").content.decode())
        return [query["sql"] for query in captured if "accounts_user" in query["sql"]]

    before = queries()
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kolkata")
    assert len(queries()) == len(before)
    assert sum('FROM "accounts_user"' in sql for sql in before) == 1


def test_templates_write_moments_only_through_the_formatter():
    #: Of the dashboard, whose labels follow its own periods.
    own = {
        "activity/activity.html",
        "activity/partials/dashboard/results.html",
        "activity/partials/dashboard/chart.html",
    }
    raw = re.compile(r"\|\s*(date|time|naturaltime|naturalday|timesince|timeuntil)\b|<time\b|\{%\s*now\b")
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file() and str(path.relative_to(ROOT / "templates")) not in own
        for hit in raw.finditer(path.read_text())
    ]
    assert found == []
