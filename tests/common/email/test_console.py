"""Emails that are printed to the terminal."""

import io
import threading

from django.core.mail import EmailMessage

from common.email.console import EmailBackend


class Slow(io.StringIO):
    """A terminal that lets other threads run between two writes."""

    def write(self, text: str) -> int:
        written = super().write(text)
        self.turn.wait(0.01)
        return written

    turn = threading.Event()


def test_emails_of_two_threads_do_not_mix():
    terminal = Slow()

    def send(name: str) -> None:
        EmailBackend(stream=terminal).send_messages([EmailMessage(name, f"For {name}.", to=[f"{name}@example.com"])])

    threads = [threading.Thread(target=send, args=[f"person{number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    printed = terminal.getvalue().split("-" * 79)[:-1]
    assert len(printed) == 6
    for mail in printed:
        name = mail.partition("Subject: ")[2].partition("\n")[0]
        assert f"To: {name}@example.com\n" in mail and f"For {name}." in mail
