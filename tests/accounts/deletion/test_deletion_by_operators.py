"""Deletions from the side of the operators: the command and the admin."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.deletion import closing
from accounts.models import AccountDeletion, User


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("delete_account", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_only_says_what_it_would_do(charlie):
    told = run("Charlie@example.com")
    assert charlie.public_id in told and "--yes" in told
    assert not AccountDeletion.objects.exists()


def test_the_command_deletes_with_yes(charlie, mailoutbox):
    assert run("charlie@example.com", "--yes") == "Deleted.\n"
    assert not User.objects.filter(email="charlie@example.com").exists()
    assert AccountDeletion.objects.get().by_operator
    assert [message.to for message in mailoutbox] == [["charlie@example.com"]]
    with pytest.raises(CommandError, match="No account has this email address"):
        run("charlie@example.com", "--yes")


def test_the_command_names_what_is_in_the_way(alice, bob):
    with pytest.raises(CommandError, match="has other members"):
        run("alice@example.com", "--yes")


def test_the_admin_shows_deletions_without_the_person(charlie, admin_client):
    deletion = closing.close(charlie)
    for address in ("/admin/accounts/accountdeletion/", f"/admin/accounts/accountdeletion/{deletion.pk}/change/"):
        page = admin_client.get(address).content.decode()
        assert "Closed, finishing" in page
        assert "charlie" not in page and deletion.farewell_to not in page
    charlie.refresh_from_db()
    admin_client.post("/admin/accounts/user/", {"action": "enable", "_selected_action": charlie.pk}, follow=True)
    charlie.refresh_from_db()
    assert not charlie.is_active
