"""Fixtures of the tests of usage."""

import pytest

from keys import issuing
from keys.models import ApiKey


@pytest.fixture
def key(organisation, alice) -> ApiKey:
    return issuing.create(organisation, alice, "Laptop")[0]
