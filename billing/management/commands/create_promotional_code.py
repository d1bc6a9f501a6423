from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from billing.credits import promotions
from billing.management.operators import operator_with
from common.money import format_cents, parse_cents

MAXIMUM = 10_000


class Command(BaseCommand):
    help = "Creates promotional codes and prints them, one per line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("usd", help="credits of each redemption in dollars, for example 5 or 12.50")
        parser.add_argument("--operator", required=True, help="your email address; you need permission to add codes")
        named = parser.add_mutually_exclusive_group()
        named.add_argument("--code", default="", help="name of the code; random by default")
        named.add_argument("--count", type=int, default=1, help=f"number of random codes, up to {MAXIMUM:,}")
        parser.add_argument("--uses", type=int, default=1, help="accounts that may redeem each code (default: 1)")
        parser.add_argument(
            "--redeem-by", metavar="YYYY-MM-DD", help="last day, in UTC, to redeem it (default: no end)"
        )
        parser.add_argument("--credit-days", type=int, help="days until unspent credits expire (default: never)")
        parser.add_argument("--new-accounts", action="store_true", help="only for new accounts without a purchase")
        parser.add_argument("--note", default="", help="for operators")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        operator = operator_with("billing.add_promotionalcode", options["operator"], to="add promotional codes")
        if not 0 < options["count"] <= MAXIMUM or len(options["note"]) > 200:
            raise CommandError(f"--count must be 1 to {MAXIMUM:,}, and --note have at most 200 characters.")
        try:
            rules = promotions.Rules(
                cents=parse_cents(options["usd"]),
                max_uses=options["uses"],
                redeem_by=_end_of(options["redeem_by"]),
                credit_days=options["credit_days"],
                new_accounts_only=options["new_accounts"],
            )
            for _ in range(options["count"]):
                created = promotions.create(rules, operator=operator, code=options["code"], note=options["note"])
                self.stdout.write(created.code)
        except ValueError as refusal:
            raise CommandError(f"{refusal} No code was created.") from refusal
        self.stderr.write(f"Each gives {format_cents(rules.cents)} to up to {rules.max_uses} accounts.")


def _end_of(day: str | None) -> datetime | None:
    """The end of the day; None without one. ValueError unless it is a date."""
    if day is None:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError as error:
        raise ValueError(f"{day} is not a date such as 2027-01-31.") from error
