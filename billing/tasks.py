"""The clock's part of billing; `CELERY_BEAT_SCHEDULE` in the settings says when."""

from uuid import UUID

from celery import shared_task

from billing.credits import expiry
from billing.notifications import low_balance, outbox
from billing.payments import auto_top_up_charges, sweeps


@shared_task
def sweep_purchases() -> None:
    """Every minute: credits appear even when every webhook is lost."""
    sweeps.sweep()


@shared_task
def charge_auto_top_ups() -> None:
    """Every minute: charge accounts whose low balance no request has reported."""
    sweeps.charge_auto_top_ups()


@shared_task
def charge_auto_top_up(account_id: int) -> None:
    """Started when a request reports a low balance."""
    auto_top_up_charges.charge_if_low(account_id)


@shared_task
def alert_low_balances() -> None:
    """Every minute: low balances that no request has reported."""
    sweeps.alert_low_balances()


@shared_task
def alert_low_balance(account_id: int) -> None:
    """At once, when a request has noticed a low balance."""
    low_balance.alert(account_id)


@shared_task
def deliver_notice(notice_id: str) -> None:
    """At once, when a mail about money has been written down."""
    outbox.deliver(UUID(notice_id))


@shared_task
def deliver_notices() -> None:
    """Every minute: mails whose worker was lost, or which the mail server did not take."""
    outbox.deliver_due()


@shared_task
def rescue_payments() -> None:
    """Every ten minutes: payments whose purchase we never heard of again."""
    sweeps.rescue()


@shared_task
def expire_credits() -> None:
    """Every night: warnings, and credits that nobody used for a year."""
    expiry.run()


@shared_task
def reconcile_ledger() -> None:
    """Every night: every sum agrees, or the log names the row."""
    sweeps.reconcile()
    sweeps.forget_old_events()
    outbox.forget_old()
