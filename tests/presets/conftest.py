"""Presets of Alice's organization."""

import pytest

from presets import lookup, saving
from presets.content import Content


@pytest.fixture(autouse=True)
def _no_presets_in_memory() -> None:
    lookup.in_use.clear()


@pytest.fixture
def make_preset(organisation, alice):
    """Create a preset of Alice's: `make_preset("support", "Be kind.", temperature=0.2)`."""

    def make(slug="support", system_prompt="", **config):
        content = Content(system_prompt=system_prompt, config=config)
        return saving.create(organisation, alice, slug=slug, name=slug.title(), content=content)

    return make
