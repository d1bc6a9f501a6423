"""The timeline of a request: from its arrival over each attempt to the last token."""

from dataclasses import dataclass

from activity.names import provider_name
from gateway.models import Generation

__all__ = ["Step", "timeline_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in milliseconds since the request arrived; `left` and `width` are in percent of the whole.

    `css` is "quiet" for the gateway's own time, "bad" for a failed attempt, and "" otherwise.
    """

    label: str
    start_ms: int
    length_ms: int
    css: str
    left: float
    width: float

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.length_ms


def timeline_of(request: Generation) -> list[Step]:
    """Return the steps of a request that has ended, oldest first; empty if its times are not known.

    Attempts follow one another. What the times of the attempts leave of the time to the first token went into
    admission and routing.
    """
    if not request.duration_ms:
        return []
    attempts = [(attempt, attempt["latency_ms"] or 0) for attempt in request.attempts]
    answered = request.duration_ms if request.latency_ms is None else min(request.latency_ms, request.duration_ms)
    before = max(0, answered - sum(length for _, length in attempts))
    steps = [("Admission and routing", before, "quiet")]
    for attempt, length in attempts:
        name = provider_name(attempt["provider"])
        failed = attempt["status"] != 200
        until = "the first token" if request.duration_ms > answered else "the response"
        words = f"{name} failed ({attempt['status']})" if failed else f"{name}, to {until}"
        steps.append((words, length, "bad" if failed else ""))
    if request.duration_ms > answered:
        steps.append(("First token to the last", request.duration_ms - answered, ""))
    return _placed(steps)


def _placed(steps: list[tuple[str, int, str]]) -> list[Step]:
    whole = sum(length for _, length, _ in steps) or 1
    placed, start = [], 0
    for label, length, css in steps:
        left, width = round(start * 100 / whole, 2), round(max(length * 100 / whole, 0.5), 2)
        placed.append(Step(label, start, length, css, min(left, 99.5), width))
        start += length
    return placed
