"""Controls of the sandbox itself: `X-Sandbox-*` headers, or the first line of a request's last message."""

import re
from collections.abc import Iterable

import msgspec

from sandbox.providers.answer import Usage
from sandbox.providers.controls.faults import Fault, read_faults
from sandbox.providers.controls.gates import GatePlace, read_gates
from sandbox.providers.dialects import DIALECTS, Dialect
from sandbox.providers.prompts.chat_request import ChatRequest, Message

__all__ = ["ControlError", "Controls", "read_controls", "take_commands"]

_COMMAND = re.compile(r"^/sandbox[ \t]+(.+?)[ \t]*(?:\n|$)")

_COUNTS = ("prompt", "completion", "cached", "cache_write", "cache_write_1h", "reasoning")
_MOST_TOKENS = 1_000_000
_LONGEST_DELAY = 60


class ControlError(ValueError):
    """A control that makes no sense."""


class Controls(msgspec.Struct):
    session: str = ""
    faults: list[Fault] = []
    gates: list[GatePlace] = []
    tokens: int | None = None  # an answer of exactly so many
    delay: float | None = None  # seconds between tokens
    dialect: Dialect | None = None
    usage: dict[str, int] | None = None  # reported instead of the real counts

    def reported(self, usage: Usage) -> Usage:
        return msgspec.structs.replace(usage, **self.usage) if self.usage else usage


def read_controls(headers: Iterable[tuple[bytes, bytes]]) -> Controls:
    """The controls in `headers`; ControlError, with a sentence, for one that makes no sense."""
    controls = Controls()
    for name, value in headers:
        if name.startswith(b"x-sandbox-"):
            set_control(controls, name[10:].decode("ascii"), value.decode("latin-1"))
    return controls


def set_control(controls: Controls, name: str, value: str) -> None:
    """Puts one control into `controls`; ControlError, with a sentence, when it makes no sense."""
    try:
        match name:
            case "session":
                controls.session = value
            case "fault":
                controls.faults = controls.faults + read_faults(value)
            case "gate":
                controls.gates = controls.gates + read_gates(value)
            case "tokens":
                controls.tokens = int(_within(0, int(value), _MOST_TOKENS))
            case "delay":
                controls.delay = _within(0, float(value), _LONGEST_DELAY)
            case "dialect":
                controls.dialect = DIALECTS[value]
            case "usage":
                controls.usage = _counts(value)
            case _:
                raise ControlError(f"There is no header X-Sandbox-{name}.")
    except KeyError:
        raise ControlError(f"There is no dialect {value!r}. Known: {', '.join(DIALECTS)}.") from None
    except ValueError as wrong:
        raise ControlError(f"{name}: {wrong}") from None


def _within(least: float, number: float, most: float) -> float:
    if not least <= number <= most:
        raise ValueError(f"{number:g} is not between {least:g} and {most:g}.")
    return number


def _counts(value: str) -> dict[str, int]:
    counts = {key.strip(): int(number) for key, _, number in (pair.partition("=") for pair in value.split(","))}
    if unknown := counts.keys() - set(_COUNTS):
        raise ValueError(f"usage has no {', '.join(sorted(unknown))}. Known: {', '.join(_COUNTS)}.")
    return counts


def take_commands(request: ChatRequest, controls: Controls) -> ChatRequest:
    """`request` without the `/sandbox ...` line that may begin its last message; its words go to `controls`.

    This gives chat windows, which cannot set headers, the same controls: `/sandbox cut:5 delay=0.2`.
    """
    last = request.messages[-1]
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str) or not content.startswith("/sandbox"):
        return request
    command = _COMMAND.match(content)
    if not command:
        return request
    for word in command[1].split():
        name, equals, value = word.partition("=")
        if equals and name in ("tokens", "delay", "dialect", "usage", "fault", "gate"):
            set_control(controls, name, value)
        else:
            set_control(controls, "fault", word)
    message: Message = {**last, "content": content[command.end() :] or "Hello"}
    return msgspec.structs.replace(request, messages=[*request.messages[:-1], message])
