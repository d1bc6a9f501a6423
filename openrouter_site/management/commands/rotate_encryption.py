"""Encrypt stored secrets again with the newest key of ENCRYPTION_KEY, so that older ones can be removed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.sign_in import second_factor
from broadcast.destinations import readability as destinations
from common import encryption
from gateway.content import stored
from keys.provider_keys import readability
from models_catalog import catalog
from models_catalog.models import ProviderKey
from presets import content


class Command(BaseCommand):
    help = "Encrypt stored secrets again with the newest key of ENCRYPTION_KEY; older ones can then be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = []
        with transaction.atomic():
            rows = list(ProviderKey.objects.select_for_update().order_by("pk"))
            for row in rows:
                try:
                    row.secret = encryption.rotate(row.secret)
                except encryption.Undecryptable:
                    lost.append(str(row))
                else:
                    row.save(update_fields=["secret"])
            catalog.touch()
            locked_out = second_factor.rotate()
            presets, unreadable = content.rotate()
            own_keys, lost_own_keys = readability.rotate()
            receivers, lost_receivers = destinations.rotate()
        contents, lost_contents = stored.rotate()  # they are many: batch by batch
        self.stdout.write(f"Encrypted {len(rows) - len(lost)} keys with the newest key.")
        if presets:
            self.stdout.write(f"Encrypted {presets} versions of presets with the newest key.")
        if own_keys:
            self.stdout.write(f"Encrypted {own_keys} own provider keys of customers with the newest key.")
        if receivers:
            self.stdout.write(f"Encrypted {receivers} broadcast destinations with the newest key.")
        if contents:
            self.stdout.write(f"Encrypted {contents - lost_contents} stored contents of requests with the newest key.")
        if lost:
            raise CommandError(f"These can't be read. Enter them again in the admin: {', '.join(lost)}.")
        if locked_out:
            raise CommandError(f"Remove these users' second factors, which can't be read: {', '.join(locked_out)}.")
        if unreadable:
            raise CommandError(f"These presets can't be read. Ask their members to save them: {', '.join(unreadable)}.")
        if lost_own_keys:
            raise CommandError(
                f"These keys of customers can't be read. Ask for them again: {', '.join(lost_own_keys)}."
            )
        if lost_receivers:
            raise CommandError(
                f"These broadcast destinations can't be read. Ask for them again: {', '.join(lost_receivers)}."
            )
        if lost_contents:
            raise CommandError(
                f"The contents of {lost_contents} requests can't be read. Their customers can delete them."
            )
