"""Faults on request: one answer at a time, for one provider or for all.

    X-Sandbox-Fault: groq=429:7; *=slow-first-token:2; openai@openai/gpt-4o=cut:10

An entry is `<provider, or *>[@<model>]=<fault>[:<arguments>]`. README.md lists the faults.
A fault named `<fault>-once` hits the first matching request of a session only.
"""

import math
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.json import encode

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal
from sandbox.providers.protocol import Voice
from sandbox.providers.wire.steps import Cut, Frame, Pause, Step

__all__ = ["FAULTS", "Counters", "Fault", "Faults", "read_faults"]

# The faults, with their arguments and defaults; any HTTP status from 400 to 599 is one too.
FAULTS: dict[str, tuple[float, ...]] = {
    "reset": (-1,),
    "hang": (),
    "slow-headers": (2,),
    "slow-first-token": (2,),
    "context-length": (),
    "content-filter": (-1,),
    "moderation": (),
    "flap": (1, 1),
    "cut": (3,),
    "truncate": (3,),
    "stall": (3, 30),
    "malformed": (3,),
    "error-in-stream": (3, 503),
    "two-errors": (3, 503),
    "late-cut": (),
    "late-error": (),
    "no-done": (),
    "duplicate-finish": (),
    "no-usage": (),
    "usage-with-choices": (),
    "usage-excludes-reasoning": (),
    "zero-usage": (),
    "negative-usage": (),
    "huge-usage": (),
    "text-usage": (),
    "empty": (),
    "empty-stop": (),
    "wrong-content-type": (),
    "html-200": (),
    "error-200": (),
    "gzip": (),
    "standard-tier": (),
    "broken-tools": (),
}
_STATUS = re.compile(r"[45]\d\d")
HUGE = 2**53


class Fault(msgspec.Struct, frozen=True):
    """One entry of the header."""

    provider: str
    model: str
    name: str
    arguments: tuple[float, ...]
    once: bool

    def concerns(self, provider: str, model: str) -> bool:
        return self.provider in ("*", provider) and self.model in ("", model)


class Counters:
    """Counts the uses of each fault, by session, so that parallel tests do not meet."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._counts: OrderedDict[tuple[str, str, Fault], int] = OrderedDict()
        self._capacity = capacity

    def met(self, session: str, provider: str, fault: Fault) -> int:
        """The number of uses before this one."""
        key = (session, provider, fault)
        before = self._counts.pop(key, 0)
        self._counts[key] = before + 1
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)
        return before


def read_faults(header: str) -> list[Fault]:
    """The faults of a header; ValueError, with a sentence, for one that does not exist."""
    return [_read(entry.strip()) for entry in header.split(";") if entry.strip()]


def _read(entry: str) -> Fault:
    target, equals, fault = entry.partition("=")
    if not equals:
        target, fault = "*", entry
    provider, _, model = target.strip().partition("@")
    name, _, given = fault.strip().partition(":")
    once = name.endswith("-once")
    name = name.removesuffix("-once")
    if name not in FAULTS and not _STATUS.fullmatch(name):
        raise ValueError(f"There is no fault {name!r}. Known: 400 to 599, {', '.join(FAULTS)}.")
    try:
        arguments = tuple(float(number) for number in given.split(",") if number.strip())
    except ValueError:
        arguments = (math.nan,)
    if not all(math.isfinite(number) for number in arguments):
        raise ValueError(f"The arguments of {name!r} are numbers, not {given!r}.")
    arguments += FAULTS.get(name, ())[len(arguments) :]
    return Fault(provider or "*", model, name, arguments, once)


class Faults:
    """The faults of one request."""

    def __init__(self, wanted: Iterable[Fault], provider: str, model: str, session: str, counters: Counters) -> None:
        self._here: dict[str, tuple[float, ...]] = {}
        for fault in wanted:
            if not fault.concerns(provider, model):
                continue
            if fault.once and counters.met(session, provider, fault):
                continue
            if fault.name == "flap":
                works, fails = fault.arguments[:2]
                if counters.met(session, provider, fault) % max(1, works + fails) >= works:
                    self._here["503"] = ()
                continue
            self._here[fault.name] = fault.arguments

    def __contains__(self, name: str) -> bool:
        return name in self._here

    def __bool__(self) -> bool:
        return bool(self._here)

    def seconds(self, name: str) -> float:
        """The first argument of a fault that waits; 0 without the fault."""
        return self._here[name][0] if name in self._here else 0.0

    @property
    def resets_at_once(self) -> bool:
        return self._here.get("reset", (0,))[0] < 0

    @property
    def stalls(self) -> float:
        """Seconds that a reply in one piece stalls."""
        return self._here["stall"][1] if "stall" in self else 0.0

    @property
    def fails_inside(self) -> bool:
        """Whether a reply in one piece is an error with status 200."""
        return bool({"error-200", "error-in-stream", "two-errors"} & self._here.keys())

    @property
    def breaks_inside(self) -> bool:
        """Whether the connection breaks in the middle of a reply in one piece."""
        return bool({"cut", "reset"} & self._here.keys())

    @property
    def refusal(self) -> Refusal | None:
        """The error to answer with, or None."""
        for name, arguments in self._here.items():
            if name.isdigit():
                return Refusal(int(name), retry_after=arguments[0] if arguments else None)
        if "context-length" in self:
            message = "This model's maximum context length is 8192 tokens. Please reduce the length of the messages."
            return Refusal(400, message, "context_length_exceeded")
        if self._here.get("content-filter", (0,))[0] < 0:
            return Refusal(400, "The prompt was flagged by our content policy.", "content_filter")
        if "moderation" in self:
            return Refusal(403, "Content violates usage guidelines.", "moderation", reasons=("violence",))
        return None

    def on_answer(self, answer: Answer) -> Answer:
        if "empty" in self or "empty-stop" in self:
            return Answer(finish=None if "empty" in self else "stop")
        if "broken-tools" in self:
            for call in answer.tool_calls:
                call.arguments = call.arguments[:-1]  # at least the brace that closes them
        if "content-filter" in self:
            filtered = answer.limited_to(int(self._here["content-filter"][0]))
            return Answer(filtered.content, filtered.reasoning, [], "content_filter")
        return answer

    def on_usage(self, usage: Usage) -> Usage | None:
        if "no-usage" in self:
            return None
        if "zero-usage" in self:
            return Usage(0, 0)
        if "negative-usage" in self:
            return Usage(-usage.prompt, -usage.completion)
        if "huge-usage" in self:
            return Usage(HUGE, HUGE)
        if "usage-excludes-reasoning" in self and not usage.reasoning_apart:
            usage.completion -= usage.reasoning
            usage.reasoning_apart = True
        return usage

    def on_dialect(self, dialect: Dialect) -> Dialect:
        if "usage-with-choices" in self:
            return msgspec.structs.replace(dialect, usage="with-finish", usage_always=True)
        if "text-usage" in self:
            return msgspec.structs.replace(dialect, usage_style="text")
        return dialect

    def on_steps(self, steps: Iterator[Step], voice: Voice) -> Iterator[Step]:
        """The stream with the faults in it."""
        for name, arguments in self._here.items():
            match name, arguments:
                case "cut", (after, *_):
                    steps = _after(steps, int(after), [Cut()], ends=True)
                case "reset", (after, *_) if after >= 0:
                    steps = _after(steps, int(after), [Pause(0.05), Cut(reset=True)], ends=True)
                case "truncate", (after, *_):
                    steps = _after(steps, int(after), [], ends=True)
                case "stall", (after, seconds, *_):
                    steps = _after(steps, int(after), [Pause(seconds)])
                case "malformed", (after, *_):
                    steps = _after(steps, int(after), [voice.frame(voice.broken(), "error")])
                case (("error-in-stream" | "two-errors"), (after, status, *_)):
                    errors = [_error(voice, int(status))] * (2 if name == "two-errors" else 1)
                    steps = _after(steps, int(after), errors, ends=True)
                case "late-cut", _:
                    steps = _after_finish(steps, [Pause(0.05), Cut(reset=True)])
                case "late-error", _:
                    steps = _after_finish(steps, [_error(voice, 503)])
                case "no-done", _:
                    steps = (step for step in steps if not (isinstance(step, Frame) and step.kind == "done"))
                case "duplicate-finish", _:
                    steps = _twice_finished(steps, voice)
                case _:
                    pass
        return steps


def _after(steps: Iterator[Step], tokens: int, inserted: Sequence[Step], *, ends: bool = False) -> Iterator[Step]:
    """`steps` with others inserted once `tokens` tokens were sent, which is their end when `ends`."""
    sent, done = 0, False
    for step in steps:
        due = isinstance(step, Frame) and (step.tokens or step.kind in ("finish", "usage", "done"))
        if not done and due and sent >= tokens:
            done = True
            yield from inserted
            if ends:
                return
        if isinstance(step, Frame):
            sent += step.tokens
        yield step


def _error(voice: Voice, status: int) -> Frame:
    return voice.frame(encode(voice.error(Refusal(status))), "error")


def _after_finish(steps: Iterator[Step], last: Sequence[Step]) -> Iterator[Step]:
    """`steps` up to the one with the finish reason, and then only these."""
    for step in steps:
        yield step
        if isinstance(step, Frame) and step.kind == "finish":
            yield from last
            return


def _twice_finished(steps: Iterator[Step], voice: Voice) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, Frame) and step.kind == "finish":
            yield voice.frame(voice.finish(), "finish")
