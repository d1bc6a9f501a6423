"""Make a member the admin of an organization whose admins can't do it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.management.finding import organisation_of
from accounts.models import Membership
from accounts.organisations import members
from accounts.organisations.signals import Refused


class Command(BaseCommand):
    help = (
        "Makes a member an admin of an organization. With --alone, its other admins become members. Those whose role "
        "changes get an email."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", help="its ID (org_...)")
        parser.add_argument("email", help="primary email address of the member")
        parser.add_argument("--alone", action="store_true", help="make the other admins members")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        organisation = organisation_of(options["organization"])
        member = organisation.members.filter(email__iexact=options["email"].strip()).first()
        if member is None:
            raise CommandError("The organization has no member with this email address.")
        if not member.is_active:
            raise CommandError("This member is disabled. Enable them in the admin first.")
        others = organisation.memberships.filter(role=Membership.Role.ADMIN).exclude(user=member)
        demoted = [membership.user for membership in others.select_related("user")] if options["alone"] else []
        try:
            members.change_role(organisation, None, member, Membership.Role.ADMIN)
            for admin in demoted:
                members.change_role(organisation, None, admin, Membership.Role.MEMBER)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{member.email} is an admin of {organisation.public_id}.")
        for admin in demoted:
            self.stdout.write(f"{admin.email} is a member.")
