"""What is due at a moment of the sandbox's clock."""

from . import checkout, refunds
from .store import Store


def run_due(store: Store) -> None:
    """Carry out everything that is due: sessions expire, slow refunds end."""
    while True:
        with store.transaction():
            timer = store.take_due_timer()
            if timer is None:
                return
            store.request = {"id": None, "idempotency_key": None}
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
