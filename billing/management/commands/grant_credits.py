from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import access
from accounts.models import Organisation, User
from billing import spending
from billing.credits import adjustments
from billing.management.operators import operator_with
from billing.models import CreditAccount
from common.money import PicoUsd, format_exact_usd, pico_from_usd

MAXIMUM = Decimal(1_000_000)


class Command(BaseCommand):
    help = "Grants credits to an account. The customer sees the reason. The same --reference grants only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="email address of a user, or ID of an organization (org_...)")
        parser.add_argument("usd", help="amount in dollars, for example 12.50")
        parser.add_argument("--reason", required=True, help="shown to the customer in the transaction history")
        parser.add_argument(
            "--operator", required=True, help="your email address; you need permission to change credit accounts"
        )
        parser.add_argument("--reference", required=True, help="unique reference, such as a ticket number")

    def handle(self, *args: Any, **options: Any) -> None:
        account = self._account(options["account"])
        operator = operator_with("billing.change_creditaccount", options["operator"], to="change credit accounts")
        usd, reason, reference = self._usd(options["usd"]), options["reason"].strip(), options["reference"].strip()
        if not 0 < len(reason) <= 200 or not 0 < len(reference) <= 60:
            raise CommandError("--reason must have 1 to 200 characters, and --reference 1 to 60.")
        try:
            adjustment, is_new = adjustments.adjust(
                account, pico_from_usd(usd), operator=operator, reason=reason, reference=reference
            )
        except adjustments.ReferenceUsed as used:
            raise CommandError(f"{used} Nothing was granted. Choose another --reference.") from used
        account.refresh_from_db()
        done = "Granted" if is_new else f"Already granted on {adjustment.created_at:%Y-%m-%d %H:%M} UTC:"
        balance = format_exact_usd(PicoUsd(account.balance))
        self.stdout.write(f"{done} {format_exact_usd(usd)} to {account.organisation}. Balance: {balance}.")

    def _account(self, text: str) -> CreditAccount:
        if "@" not in text:
            organisation = Organisation.objects.filter(public_id=text).first()
        elif user := User.objects.filter(email__iexact=text).first():
            organisation = access.open_personal_organisation(user)
        else:
            organisation = None
        if organisation is None:
            raise CommandError(f"No user or organization found for {text}.")
        return spending.account_of(organisation)

    def _usd(self, text: str) -> Decimal:
        try:
            usd = Decimal(text.removeprefix("$"))
            if not usd.is_finite() or not 0 < usd <= MAXIMUM or usd != usd.quantize(Decimal("0.000001")):
                raise InvalidOperation
        except InvalidOperation as error:
            raise CommandError(
                f"Invalid amount: {text}. Enter dollars with at most six decimals, up to {MAXIMUM:,}."
            ) from error
        return usd
