"""Values of query parameters. Each reader takes the parameter's name and its values, of which some count only the last.

Readers raise BadParameter for an invalid value.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from django.http import QueryDict

__all__ = ["BadParameter", "any_of", "dollars", "given", "one_of", "phrase", "up_to", "whole", "words_of", "yes"]

_WORDS_AT_MOST = 100
_LETTERS_AT_MOST = 200


class BadParameter(ValueError):
    """The query parameter `name` has an invalid value. The message says what is valid."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


def given(parameters: QueryDict, name: str) -> bool:
    """Return whether the parameter has a value."""
    return any(value.strip() for value in parameters.getlist(name))


def phrase(name: str, values: list[str]) -> str:
    """Read words, with single spaces between them."""
    text = " ".join(values[-1].split())
    if len(text) > _LETTERS_AT_MOST:
        raise BadParameter(name, f"at most {_LETTERS_AT_MOST} characters")
    return text


def words_of(name: str, values: list[str]) -> tuple[str, ...]:
    """Read comma-separated words, each once."""
    words = tuple(dict.fromkeys(word.strip() for value in values for word in value.split(",") if word.strip()))
    if len(words) > _WORDS_AT_MOST or any(len(word) > _LETTERS_AT_MOST for word in words):
        raise BadParameter(name, f"at most {_WORDS_AT_MOST} values of {_LETTERS_AT_MOST} characters")
    return words


def any_of(options: tuple[str, ...]) -> Callable[[str, list[str]], tuple[str, ...]]:
    """Return a reader of comma-separated words that are all options."""

    def read(name: str, values: list[str]) -> tuple[str, ...]:
        words = words_of(name, values)
        if not set(words) <= set(options):
            raise BadParameter(name, f"expected any of {', '.join(options)}")
        return words

    return read


def whole(name: str, values: list[str]) -> int:
    """Read a whole number."""
    text = values[-1].strip()
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadParameter(name, "expected a whole number, 0 or more")
    return int(text)


def dollars(name: str, values: list[str]) -> Decimal:
    """Read USD per million tokens."""
    text = values[-1].strip().removeprefix("$")
    try:
        price = Decimal(text) if len(text) <= 20 and re.fullmatch(r"[\d.]+", text, re.ASCII) else None
    except InvalidOperation:
        price = None
    if price is None:
        raise BadParameter(name, "expected dollars per million tokens, for example 0.5")
    return price


def yes(name: str, values: list[str]) -> bool:
    """Read true or false."""
    text = values[-1].strip().lower()
    if text not in ("true", "false", "1", "0", "on"):
        raise BadParameter(name, "expected true or false")
    return text in ("true", "1", "on")


def one_of(options: tuple[str, ...]) -> Callable[[str, list[str]], str]:
    """Return a reader of one of these words."""

    def read(name: str, values: list[str]) -> str:
        text = values[-1].strip()
        if text not in options:
            raise BadParameter(name, f"expected one of {', '.join(options)}")
        return text

    return read


def up_to(most: int) -> Callable[[str, list[str]], Decimal]:
    """Return a reader of a number from 0 to `most`."""

    def read(name: str, values: list[str]) -> Decimal:
        text = values[-1].strip()
        number = Decimal(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII) else None
        if number is None or number > most:
            raise BadParameter(name, f"expected a number from 0 to {most}")
        return number

    return read
