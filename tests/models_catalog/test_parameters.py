"""The parameters that endpoints list, and those that follow from others."""

import pytest

from models_catalog import parameters


@pytest.mark.parametrize(("implied", "listed"), parameters.IMPLIED_BY.items())
def test_an_endpoint_takes_the_parameters_that_its_own_imply(implied, listed):
    assert parameters.supports(frozenset({listed}), implied)
    assert parameters.supports_all(frozenset({listed}), frozenset({listed, implied}))
    assert not parameters.supports(frozenset({implied}), listed)
    assert not parameters.supports_all(frozenset({listed}), frozenset({implied, "seed"}))


def test_no_parameter_is_listed_twice_and_only_listed_ones_imply_others():
    names = [one.name for one in parameters.PARAMETERS]
    assert len(set(names)) == len(names)
    assert set(parameters.IMPLIED_BY.values()) <= set(names)
