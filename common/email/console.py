"""Emails of a site without a mail server: printed to the terminal."""

import io

from django.core.mail import EmailMessage
from django.core.mail.backends import console

__all__ = ["EmailBackend"]


class EmailBackend(console.EmailBackend):
    """Prints each email in one piece, so that the emails of two threads don't mix."""

    def write_message(self, message: EmailMessage) -> None:
        terminal, self.stream = self.stream, io.StringIO()
        try:
            super().write_message(message)
            whole = self.stream.getvalue()
        finally:
            self.stream = terminal
        self.stream.write(whole)
