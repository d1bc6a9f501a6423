"""Operators verify, block, merge, rename and categorize apps."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from activity.models import App, RankedDay
from activity.rankings.apps.addresses import title_of

from .conftest import CLI, NOTES, count, use


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    return client


@pytest.fixture
def apps(account) -> dict[str, App]:
    """An app, and another one."""
    use(account, NOTES, 10)
    use(account, CLI, 5)
    count()
    return {app.slug: app for app in App.objects.all()}


def save(client: Client, app: App, **changes):
    form = {"slug": app.slug, "name": app.name, "categories": app.categories, "use": app.use}
    return client.post(f"/admin/activity/app/{app.pk}/change/", form | changes)


def errors(response) -> list[str]:
    return list(response.context["adminform"].form.errors)


def test_an_app_is_renamed_categorized_and_merged(operator, apps, client):
    notes, cli = apps["notes.example.com"], apps["github.com/acme/cli"]
    assert save(operator, notes, name="Notes", categories=["legal"]).status_code == 302
    assert save(operator, cli, merged_into=notes.pk).status_code == 302
    count()
    page = client.get("/apps/notes.example.com").content.decode()
    assert "<bdi>Notes</bdi>" in page and "Legal" in page and 'title="15"' in page
    assert client.get("/apps/github.com/acme/cli").status_code == 302
    assert errors(save(operator, notes, merged_into=notes.pk)) == ["merged_into"]
    assert errors(save(operator, notes, merged_into=cli.pk)) == ["merged_into"]
    assert operator.get("/admin/activity/app/?q=notes").status_code == 200


def test_apps_are_found_by_the_origin_of_their_categories(operator, apps):
    App.objects.filter(slug="notes.example.com").update(categories=["legal"], sent_categories=["game"])
    path = "/admin/activity/app/"
    for value, slugs in (("chosen", ["notes.example.com"]), ("sent", []), ("none", ["github.com/acme/cli"])):
        assert [app.slug for app in operator.get(path, {"categories": value}).context["cl"].result_list] == slugs
    App.objects.filter(slug="github.com/acme/cli").update(sent_categories=["cli-agent"])
    page = operator.get(path, {"categories": "sent"})
    assert [app.slug for app in page.context["cl"].result_list] == ["github.com/acme/cli"]
    assert "cli-agent" in page.content.decode()
    page = operator.get(f"{path}{apps['notes.example.com'].pk}/change/").content.decode()
    assert 'href="/apps/notes.example.com"' in page or "/admin/r/" in page


def test_what_cannot_be_shown_is_refused(operator, apps):
    notes = apps["notes.example.com"]
    for wrong in ({"slug": "javascript:alert(1)"}, {"slug": "10.0.0.1"}, {"slug": "github.com/acme/cli"}):
        assert errors(save(operator, notes, **wrong)) == ["slug"]
    for name in ("a\u202eb", "openai.com", "Сline"):
        assert title_of(name, notes.slug) == ""
        assert errors(save(operator, notes, name=name)) == ["name"]
    assert errors(save(operator, notes, categories=["cooking"])) == ["categories"]
    assert save(operator, notes, slug="https://www.Notes2.example.com/x").status_code == 302
    assert App.objects.filter(slug="notes2.example.com").exists()


@pytest.mark.parametrize(
    ("action", "changes"),
    [("verify", {"verified": True}), ("block", {"blocked": True}), ("unblock", {"blocked": False})],
)
def test_apps_are_marked_and_all_days_counted_again(operator, apps, action, changes):
    App.objects.update(blocked=action == "unblock")
    RankedDay.objects.update(stale=False)
    chosen = {"action": action, "_selected_action": [app.pk for app in apps.values()]}
    operator.post("/admin/activity/app/", chosen)
    assert App.objects.filter(**changes).count() == 2
    assert RankedDay.objects.filter(stale=False).count() == 0
    assert LogEntry.objects.count() == 2
    operator.post("/admin/activity/app/", chosen)
    assert LogEntry.objects.count() == 2  # nothing is left to do
