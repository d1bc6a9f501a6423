"""Sandboxes and the bundled catalog, one each for all tests of a process: they take long to start or to load.

A fixture that two folders import is two fixtures, each with a process of its own. So `tests/conftest.py` has these.
"""

from collections.abc import Iterator

import pytest
from django.db import transaction

from models_catalog import catalog
from models_catalog.entries import Catalogue
from models_catalog.loading.bundled import load_bundled
from tests.billing.stripe_sandbox import stripe_process
from tests.billing.usdc_sandbox import coinbase_process
from tests.support import processes

__all__ = ["bundled_once", "coinbase_process", "provider_sandbox", "stripe_process"]


@pytest.fixture(scope="session")
def provider_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the providers sandbox, without delays, recording the requests that it receives."""
    with processes.provider_sandbox(tmp_path_factory.mktemp("providers"), "--speed", "0", "--record") as url:
        yield url


@pytest.fixture(scope="session")
def bundled_once(django_db_setup, django_db_blocker) -> Catalogue:
    """The catalog that the site ships with, read from a database that does not keep it."""
    with django_db_blocker.unblock(), transaction.atomic():
        load_bundled()
        catalogue = catalog.load()
        transaction.set_rollback(True)
    return catalogue
