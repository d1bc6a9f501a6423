"""What all providers share: the speed of the place, and what it remembers."""

from sandbox.providers.catalogue import Catalogue
from sandbox.providers.faults import Counters
from sandbox.providers.gates import Gates
from sandbox.providers.prompt_cache import PromptCache
from sandbox.providers.recorder import Recorder
from sandbox.providers.writer import Wordings

__all__ = ["Shared"]


class Shared:
    """One per process. `speed` is how many times faster than in life everything goes; 0 means without delay."""

    def __init__(self, *, speed: float = 1.0, record: bool = False, catalogue: Catalogue | None = None) -> None:
        self.speed = speed
        self.catalogue = catalogue or Catalogue()
        self.counters = Counters()
        self.gates = Gates()
        self.prompts = PromptCache()
        self.wordings = Wordings()
        self.recorder = Recorder() if record else None
