"""Revoke an invitation to an organization."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.finding import organisation_of
from accounts.organisations import invitations


class Command(BaseCommand):
    help = "Revokes an invitation: its link stops working at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", help="its ID (org_...)")
        parser.add_argument("email", help="the invited address")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = organisation_of(options["organization"])
        invitation = organisation.invitations.filter(email=options["email"].strip().lower()).first()
        if invitation is None or not invitations.revoke(organisation, None, invitation.pk):
            raise CommandError("The organization has no invitation of this address.")
        self.stdout.write("Revoked.")
