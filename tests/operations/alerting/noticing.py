"""Looking for incidents, and the emails to operators about them."""

from django.core import mail

from operations.alerting import watching
from tests.support.processes import wait_until

__all__ = ["OPERATORS", "look", "subjects"]

OPERATORS = ["ops@example.com", "boss@example.com"]


def subjects() -> list[str]:
    """The subjects of the emails to the first operator since the last call."""
    found = [message.subject.partition(": ")[2] for message in mail.outbox if message.to == OPERATORS[:1]]
    mail.outbox.clear()
    return found


def look(watch: watching.Watch, clock) -> None:
    """Let the web process look, and wait for its thread."""
    watch.beat("process", clock.utc_now())
    wait_until(lambda: not watch._running.locked(), "the check to end")
