import pytest

from tests.operations.alerting.noticing import OPERATORS


@pytest.fixture(autouse=True)
def operators(settings, clock) -> None:
    settings.OPERATOR_EMAILS = OPERATORS
