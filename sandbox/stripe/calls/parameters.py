"""Request parameters: from form encoding to checked values.

`decode` turns `line_items[0][price_data][currency]=usd` into nested dictionaries; `read` checks
them against the rules of the operation. Nothing unknown passes: a parameter that the sandbox would
silently ignore is a parameter whose effect is untested.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.stripe.errors import InvalidParameter, Json

_MAX_PARAMETERS = 1000
_MAX_DEPTH = 6


@dataclass(frozen=True)
class Rule:
    """The rule for one parameter.

    `fields` describes the inside of an object or of each list item, `words` the only values of a choice.
    """

    check: Callable[[Any, str], Any]
    required: bool = False
    fields: "Mapping[str, Rule] | None" = None
    words: tuple[str, ...] = ()


Rules = dict[str, Rule]


def required(rule: Rule) -> Rule:
    """The same rule for a parameter that must be sent."""
    return replace(rule, required=True)


# --- Decoding -----------------------------------------------------------------------------------------


def decode(encoded: bytes) -> Json:
    """Nested dictionaries of form-encoded text, all leaves strings; lists have decimal names.

    Raises:
        InvalidParameter: when two names contradict each other.
    """
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS, errors="strict")
    except UnicodeDecodeError:
        raise InvalidParameter("The parameters are not valid UTF-8.") from None
    except ValueError:
        raise InvalidParameter(f"More than {_MAX_PARAMETERS} parameters in one request.") from None
    root: Json = {}
    for name, value in pairs:
        _place(root, name, value)
    return root


def _place(root: Json, name: str, value: str) -> None:
    found = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", name)
    if not found:
        raise InvalidParameter(f"Invalid parameter name: {name}", param=name)
    steps = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
    if len(steps) > _MAX_DEPTH:
        raise InvalidParameter(f"Parameter nested too deeply: {name}", param=name)
    place = root
    for step in steps[:-1]:
        below = place.setdefault(step or str(len(place)), {})
        if not isinstance(below, dict):
            raise InvalidParameter(f"Conflicting values for parameter: {name}", param=name)
        place = below
    last = steps[-1] or str(len(place))
    if last in place:
        raise InvalidParameter(f"Received more than one value for parameter: {name}", param=name)
    place[last] = value


# --- Reading ------------------------------------------------------------------------------------------


def read(rules: Rules, raw: Json, within: str = "") -> Json:
    """The checked values of the parameters that were sent.

    Raises:
        InvalidParameter: with code `parameter_unknown`, `parameter_missing` or one that names the fault.
    """
    unknown = [_name(within, name) for name in raw if name not in rules]
    if unknown:
        several = "s" if len(unknown) > 1 else ""
        raise InvalidParameter(
            f"Received unknown parameter{several}: {', '.join(unknown)}.",
            code="parameter_unknown",
            param=unknown[0],
        )
    values: Json = {}
    for name, rule in rules.items():
        if name in raw:
            values[name] = rule.check(raw[name], _name(within, name))
        elif rule.required:
            raise missing(_name(within, name))
    return values


def missing(name: str) -> InvalidParameter:
    """The error for a parameter that must be sent."""
    return InvalidParameter(f"Missing required param: {name}.", code="parameter_missing", param=name)


def _name(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name


# --- Kinds of value -----------------------------------------------------------------------------------


def text(longest: int = 5000) -> Rule:
    """Any text but the empty one."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise InvalidParameter(f"Invalid string: {name} must be a string.", param=name)
        if not value:
            raise InvalidParameter(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a field; "
                f"however '{name}' cannot be unset. Remove '{name}' from the request or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > longest:
            raise InvalidParameter(
                f"Invalid string: {name} must be at most {longest} characters.",
                code="parameter_invalid_string",
                param=name,
            )
        return value

    return Rule(check)


def choice(*allowed: str) -> Rule:
    """One of these words."""

    def check(value: Any, name: str) -> str:
        if value not in allowed:
            last = f"{', '.join(allowed[:-1])} or {allowed[-1]}" if len(allowed) > 1 else allowed[0]
            raise InvalidParameter(f"Invalid {name}: must be one of {last}", param=name)
        return str(value)

    return Rule(check, words=allowed)


def integer(least: int | None = None, most: int | None = None) -> Rule:
    """A whole number, perhaps within limits."""

    def check(value: Any, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
            raise InvalidParameter(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if least is not None and number < least:
            raise InvalidParameter(
                f"This value must be greater than or equal to {least}.", code="parameter_invalid_integer", param=name
            )
        if most is not None and number > most:
            raise InvalidParameter(
                f"This value must be less than or equal to {most}.", code="parameter_invalid_integer", param=name
            )
        return number

    return Rule(check)


def amount() -> Rule:
    """Cents that can be charged: 50 to 99,999,999."""
    whole = integer()

    def check(value: Any, name: str) -> int:
        cents: int = whole.check(value, name)
        if cents < 1:
            raise InvalidParameter(
                "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name
            )
        check_amount(cents, name)
        return cents

    return Rule(check)


def check_amount(cents: int, name: str | None) -> None:
    """Raises InvalidParameter for a total that cannot be charged."""
    if cents < 50:
        raise InvalidParameter("Amount must be at least $0.50 usd", code="amount_too_small", param=name)
    if cents > 99_999_999:
        raise InvalidParameter("Amount must be no more than $999,999.99", code="amount_too_large", param=name)


def boolean() -> Rule:
    """true or false."""

    def check(value: Any, name: str) -> bool:
        if value not in ("true", "false"):
            raise InvalidParameter(f"Invalid boolean: {value}", param=name)
        return bool(value == "true")

    return Rule(check)


def currency() -> Rule:
    """US dollars or euros, in letters of any case."""

    def check(value: Any, name: str) -> str:
        lowered = str(value).lower()
        if lowered not in ("usd", "eur"):
            raise InvalidParameter(f"Invalid currency: {value}. The sandbox supports usd and eur.", param=name)
        return lowered

    return Rule(check)


def url() -> Rule:
    """An absolute web address."""

    def check(value: Any, name: str) -> str:
        parts = urlsplit(value) if isinstance(value, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidParameter("Not a valid URL", code="url_invalid", param=name)
        return str(value)

    return Rule(check)


def email() -> Rule:
    """An email address."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost", value):
            raise InvalidParameter(f"Invalid email address: {value}", code="email_invalid", param=name)
        return value

    return Rule(check)


def metadata() -> Rule:
    """Up to 50 pairs: names to 40 characters, values to 500. A pair with an empty value is left out."""

    def check(value: Any, name: str) -> Json:
        if not isinstance(value, dict) or not all(isinstance(pair, str) for pair in value.values()):
            raise InvalidParameter(f"Invalid metadata: {name} must be pairs of strings.", param=name)
        if len(value) > 50:
            raise InvalidParameter("Metadata can have at most 50 keys.", param=name)
        for key, pair in value.items():
            if len(key) > 40 or len(pair) > 500:
                raise InvalidParameter(
                    f"Metadata keys have at most 40 characters and values at most 500; '{key}' has more.", param=name
                )
        return {key: pair for key, pair in value.items() if pair}

    return Rule(check)


def nested(fields: Rules) -> Rule:
    """An object with these fields."""

    def check(value: Any, name: str) -> Json:
        if not isinstance(value, dict):
            raise InvalidParameter(f"Invalid object: {name} must be an object.", param=name)
        return read(fields, value, name)

    return Rule(check, fields=fields)


def several(rule: Rule, most: int = 100) -> Rule:
    """A list of values of one kind."""

    def check(value: Any, name: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, dict) or not all(place.isdecimal() for place in value):
            raise InvalidParameter("Invalid array", param=name)
        if len(value) > most:
            raise InvalidParameter(f"Invalid array: {name} has more than {most} items.", param=name)
        return [rule.check(value[place], f"{name}[{place}]") for place in sorted(value, key=int)]

    return Rule(check, fields=rule.fields, words=rule.words)


EXPAND: Rules = {"expand": several(text())}
CREATED = Rule(
    lambda value, name: (
        {"gte": (exact := integer().check(value, name)), "lte": exact}
        if isinstance(value, str)
        else read({bound: integer() for bound in ("gt", "gte", "lt", "lte")}, value, name)
    )
)
PAGE: Rules = EXPAND | {
    "limit": integer(least=1, most=100),
    "starting_after": text(),
}
