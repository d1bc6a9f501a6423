"""The state that all providers share."""

from sandbox.providers.catalog import Catalog
from sandbox.providers.controls.faults import Counters
from sandbox.providers.controls.gates import Gates
from sandbox.providers.prompts.prompt_cache import PromptCache
from sandbox.providers.wire.recorder import Recorder
from sandbox.providers.writer import Wordings

__all__ = ["Shared"]


class Shared:
    """One per process. `speed` is a factor on the real pace; 0 means without delay."""

    def __init__(
        self,
        *,
        speed: float = 1.0,
        record: bool = False,
        catalog: Catalog | None = None,
        dimensions: dict[tuple[str, str], int] | None = None,
    ) -> None:
        self.speed = speed
        self.catalog = catalog or Catalog()
        self.dimensions = dimensions or {}  # of vectors, by provider and model
        self.counters = Counters()
        self.gates = Gates()
        self.prompts = PromptCache()
        self.wordings = Wordings()
        self.recorder = Recorder() if record else None
