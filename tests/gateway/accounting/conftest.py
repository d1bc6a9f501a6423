"""Fixtures for tests of the accounting."""

import pytest

from gateway.accounting import partitions


@pytest.fixture(autouse=True)
def patient_partitions(monkeypatch):
    """Tables may be busy for longer than partitions wait in production, where the next call makes them: a server that
    analyzes the rows of the test before holds them for a while.
    """
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "10s")
