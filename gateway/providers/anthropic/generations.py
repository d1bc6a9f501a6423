"""What each generation of Claude takes. The protocol is the same for all; what is refused with 400 is not."""

import re

import msgspec

__all__ = ["Claude", "claude"]

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)")

#: What a name without a version is taken for: the last generation that takes a budget for its thoughts.
_UNKNOWN = (4, 5)

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


class Claude(msgspec.Struct, frozen=True):
    """A model's generation, and what follows from it."""

    version: tuple[int, int]

    @property
    def takes_one_of_temperature_and_top_p(self) -> bool:
        return self.version >= (4, 0)

    @property
    def takes_budgets(self) -> bool:
        """Thoughts are bounded by a number of tokens."""
        return self.version < (4, 7)

    @property
    def takes_efforts(self) -> bool:
        """The model decides how much it thinks; an effort steers it."""
        return self.version >= (4, 6)

    @property
    def thinks_unasked(self) -> bool:
        return self.version >= (5, 0)

    def effort(self, wish: str) -> str:
        """The nearest effort that the model has."""
        effort = _EFFORTS.get(wish, "medium")
        return "high" if effort == "xhigh" and self.version < (4, 7) else effort


def claude(model: str) -> Claude:
    """The generation of a model, by its name at the provider."""
    found = _VERSION.search(model)
    return Claude((int(found[1]), int(found[2] or 0)) if found else _UNKNOWN)
