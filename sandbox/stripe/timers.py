"""The timers of the sandbox's clock."""

from .payments import checkout, refunds
from .store import Store


def run_due(store: Store) -> None:
    """Carry out everything that is due: sessions expire, slow refunds end."""
    store.request = {"id": None, "idempotency_key": None}  # of the events that follow
    while True:
        with store.transaction():
            timer = store.take_due_timer()
            if timer is None:
                return
            action, subject = timer
            if action == "expire_session":
                session = store.get(subject, "checkout.session")
                if session["status"] == "open":
                    checkout.close(store, session)
                continue
            refund = store.get(subject, "refund")
            if action == "refund_pending" and refund["status"] == "pending":
                refunds.settle(store, refund)
            elif action == "refund_failed" and refund["status"] == "succeeded":
                refunds.fail(store, refund)
