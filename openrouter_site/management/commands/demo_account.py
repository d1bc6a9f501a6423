"""Create or reset an account to try the site with."""

import json
import secrets
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from openrouter_site.demo import make_demo_account


class Command(BaseCommand):
    help = "Makes or resets a verified account with exactly the balance asked for. Development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="demo@example.com")
        parser.add_argument("--credits", type=Decimal, default=Decimal(25), help="balance in dollars")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("demo_account is for development: it makes credits out of nothing.")
        if options["credits"] < 0:
            raise CommandError("--credits must not be negative.")
        with transaction.atomic():
            account = make_demo_account(options["email"], options["credits"], password=secrets.token_urlsafe(12))
        if options["json"]:
            self.stdout.write(json.dumps(account))
        else:
            for name, value in account.items():
                self.stdout.write(f"{name:<15} {value}")
