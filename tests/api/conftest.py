"""The management API's tests see the catalog's small shop and the keys of usage's tests."""

import pytest

from keys import issuing
from tests.activity.conftest import key  # noqa: F401
from tests.models_catalog.conftest import bundled, bundled_rows, shop  # noqa: F401

from .responses import client_with


@pytest.fixture
def api(organisation, alice):
    return client_with(issuing.create(organisation, alice, "Laptop")[1])


@pytest.fixture
def manager(organisation, alice, account):
    return client_with(issuing.create(organisation, alice, "Deploy script", is_management=True)[1])


@pytest.fixture
def stranger(charlie):
    return client_with(issuing.create(charlie.personal_organisation, charlie, "Charlie's")[1])
