"""Lists of models in settings: which entries the catalog knows, and what is said of the others."""

import pytest

from common.naming.model_lists import is_listed, problem_with


def exists(name: str) -> bool:
    return name in {"acme/one", "acme/one:free", "acme/*"}


def test_models_and_authors_of_the_catalog_may_be_listed():
    assert problem_with(["acme/one", "acme/one:free", "acme/*"], exists) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("*", "isn't an author"),
        ("one", "isn't a model ID"),
        ("acme/o*", "isn't a model ID"),
        ("acme/", "isn't a model ID"),
        ("acme/two", "The catalog doesn't have “acme/two”"),
        ("acm/*", "The catalog doesn't have “acm/*”"),
        ("openrouter/*", "routers choose among models"),
    ],
)
def test_another_entry_is_refused_with_the_reason(name, problem):
    assert problem in problem_with(["acme/one", name], exists)


def test_an_id_lists_its_variants_only_where_that_is_the_rule():
    assert is_listed("acme/one:free", {"acme/*"}) and not is_listed("acme/one:free", {"acme/one"})
    assert is_listed("acme/one:free", {"acme/one"}, with_variants=True)
    assert not is_listed("acme/one", {"acme/one:free", "acm/*"}, with_variants=True)
