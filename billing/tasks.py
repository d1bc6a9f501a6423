"""Celery tasks of billing. `CELERY_BEAT_SCHEDULE` in the settings schedules the periodic ones."""

from uuid import UUID

from celery import shared_task

from billing.credits import expiry
from billing.notifications import low_balance, outbox
from billing.payments import auto_top_up_charges, sweeps


@shared_task
def sweep_purchases() -> None:
    """Every minute: sync unfinished purchases and refunds, so that credits appear even without webhooks."""
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
    """Every minute: send alerts for low balances that no request has reported."""
    sweeps.alert_low_balances()


@shared_task
def alert_low_balance(account_id: int) -> None:
    """Started when a request reports a low balance."""
    low_balance.send_if_low(account_id)


@shared_task
def deliver_notice(notice_id: str) -> None:
    """Started when an email about money is committed."""
    outbox.deliver(UUID(notice_id))


@shared_task
def deliver_notices() -> None:
    """Every minute: send emails whose worker died or that the mail server refused."""
    outbox.deliver_due()


@shared_task
def recover_missed_payments() -> None:
    """Every ten minutes: credit payments whose purchase is no longer synced. Fails if a provider is away."""
    sweeps.recover_missed_payments()


@shared_task
def expire_credits() -> None:
    """Every night: warn of credits that expire soon, and expire those that are due."""
    expiry.run()


@shared_task
def reconcile_ledger() -> None:
    """Every night: check the ledger, and delete old events and undeliverable emails."""
    sweeps.reconcile()
    sweeps.delete_old_events()
    outbox.delete_undeliverable()
