"""A clock for tests; the fixture `clock` puts it in the place of the machine's."""

import time
from datetime import UTC, datetime, timedelta

__all__ = ["MovableClock"]


class MovableClock:
    """A clock that stands still until a test moves it: `clock.now += 1`, or `clock.advance(days=1)`.

    `now` is its monotonic time in seconds, which calling the clock returns as well. `utc_now` moves along.
    """

    def __init__(self) -> None:
        # Whole seconds, so that sums stay exact; ahead of everything that has happened before the test.
        self.now = float(int(time.monotonic()) + 1)
        self._offset = datetime.now(UTC) - timedelta(seconds=self.now)

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def utc_now(self) -> datetime:
        return self._offset + timedelta(seconds=self.now)

    def advance(self, **step: float) -> None:
        """Move forward by `seconds`, `minutes`, `hours` or `days`."""
        self.now += timedelta(**step).total_seconds()

    def set(self, moment: datetime) -> None:
        """Set the time of day; monotonic time stays as it is."""
        self._offset = moment.astimezone(UTC) - timedelta(seconds=self.now)
