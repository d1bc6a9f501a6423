"""Sign a person out everywhere."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.management.finding import user_of
from accounts.sessions import open_sessions
from accounts.sign_in import notices
from common import clock


class Command(BaseCommand):
    help = "Ends all sessions of an account at once, and emails its owner about each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="primary email address of the account")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_of(options["email"])
        sessions = open_sessions.of(user, None)
        open_sessions.end(sessions)
        for session in sessions:
            ended = {"timestamp": clock.utc_now().isoformat(), "device": session.device, "ip": session.address}
            notices.send(user, "account/email/session_ended_by_operator", ended)
        self.stdout.write(f"Sessions ended: {len(sessions)}.")
