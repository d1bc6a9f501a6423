"""What the tests of usage share."""

import pytest

from keys import issuing
from keys.models import ApiKey


@pytest.fixture
def key(organisation, alice) -> ApiKey:
    return issuing.create(organisation, alice, "Laptop")[0]
