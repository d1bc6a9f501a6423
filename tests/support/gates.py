"""Answers of the simulated providers that wait until the test opens their gate, however slow the machine is."""

import ssl
import uuid
from typing import Any

import httpx

from tests.support.processes import wait_until

__all__ = ["Gate"]

#: A request without a context of its own reads the certificates of all authorities first, also in a loop that waits.
OPTIONS: dict[str, Any] = {"verify": ssl.create_default_context(), "trust_env": False, "timeout": 60}


class Gate:
    """A gate of its own name at the providers' stand-in with this address; `after` so many tokens of an answer."""

    def __init__(self, providers_url: str, *, after: int = 0) -> None:
        self.name = f"gate-{uuid.uuid4().hex[:12]}"
        self.place = f"{self.name}:{after}"
        self._address = f"{providers_url}/_test/gates/{self.name}"

    @property
    def control(self) -> dict[str, str]:
        """The control that sends answers to this gate, for the chat rooms of browser tests."""
        return {"Gate": self.place}

    @property
    def headers(self) -> dict[str, str]:
        """The same as a header of a request."""
        return {"X-Sandbox-Gate": self.place}

    @property
    def command(self) -> str:
        """The same as the first line of a chat message."""
        return f"/sandbox gate={self.place}\n"

    @property
    def waiting(self) -> int:
        """Answers that wait here now."""
        return int(httpx.get(self._address, **OPTIONS).raise_for_status().json()["waiting"])

    def wait_for_an_answer(self, answers: int = 1) -> None:
        """Return once at least so many answers wait here; AssertionError when they never do."""
        wait_until(lambda: self.waiting >= answers, f"{answers} at the gate")

    def open(self) -> None:
        """Let the waiting answers go on, and later ones pass."""
        httpx.post(f"{self._address}/open", **OPTIONS).raise_for_status()

    def close(self) -> None:
        """Make later answers wait again."""
        httpx.post(f"{self._address}/close", **OPTIONS).raise_for_status()
