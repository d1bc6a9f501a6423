"""Delete a person's account on their behalf."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.deletion import closing, finishing, losses
from accounts.management.finding import user_of
from accounts.models import User


class Command(BaseCommand):
    help = "Deletes an account as its owner would. Without --yes it only says what it would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="primary email address of the account")
        parser.add_argument("--yes", action="store_true", help="delete it; this can't be undone")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_of(options["email"])
        if reasons := closing.obstacles(user):
            raise CommandError("This account can't be deleted. " + " ".join(reasons))
        if not options["yes"]:
            self._explain(user)
            return
        try:
            deletion = closing.close(user, by_operator=True)
        except closing.Refused as refused:
            raise CommandError(f"This account can't be deleted. {refused}") from refused
        finishing.finish(deletion.pk)
        deletion.refresh_from_db()
        self.stdout.write("Deleted." if deletion.finished_at else "Deleted. The rest is done in the background.")
        if deletion.waits_for:
            self.stdout.write(f"Waiting for {deletion.waits_for}.")

    def _explain(self, user: User) -> None:
        organisations = closing.closed_with(user)
        self.stdout.write(f"Would delete {user.public_id}, created {user.created_at:%Y-%m-%d}. This can't be undone.")
        for organisation in organisations:
            self.stdout.write(f"- Closes {organisation.public_id}, with its keys and saved cards.")
        for sentence in losses.of(organisations):
            self.stdout.write(f"- Lost: {sentence}")
        self.stdout.write("- Sends a confirmation to the address, then removes it. Records of payments stay, unnamed.")
        self.stdout.write("Repeat with --yes to delete it.")
