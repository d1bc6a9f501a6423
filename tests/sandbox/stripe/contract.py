"""The annotations of stripe's own package: the fields of objects, the parameters of operations.

Both checks read the package's type annotations, so they follow when the package is upgraded.
"""

import decimal
import typing
from collections.abc import Iterator
from typing import Any

import stripe
import stripe.checkout
import stripe.params
import stripe.params.checkout
import stripe.radar
from stripe._object_classes import get_object_class

from sandbox.stripe.calls.parameters import Rules

# What the package adds to every parameter dictionary for itself.
OPTIONS = set(stripe.RequestOptions.__annotations__)


def breaches(body: Any, path: str = "") -> Iterator[str]:
    """The faults of a JSON value of the API: made-up fields, absent ones, values of another type."""
    if isinstance(body, list):
        for place, each in enumerate(body):
            yield from breaches(each, f"{path}[{place}]")
        return
    if not isinstance(body, dict):
        return
    if set(body) == {"error"}:
        yield from _fields(body["error"], stripe.ErrorObject, "error")
        return
    kind = body.get("object")
    where = path or str(kind)
    if kind == "list":
        yield from _list(body, where)
    elif body.get("deleted"):
        yield from (f"{where}.{name} is not in a deleted object" for name in set(body) - {"id", "object", "deleted"})
    else:
        yield from _fields(body, get_object_class("V1", str(kind)), where)


def _list(body: dict[str, Any], path: str) -> Iterator[str]:
    if set(body) != {"object", "url", "has_more", "data"}:
        yield f"{path} is not a list object: {sorted(body)}"
    yield from breaches(body["data"], path)


def _fields(body: dict[str, Any], cls: type, path: str) -> Iterator[str]:
    known = _annotations(cls)
    if cls is stripe.StripeObject or not known:
        if body and not known:
            yield f"{path}: stripe knows no such object"
        return
    for name, value in body.items():
        if name not in known:
            yield f"{path}.{name} does not exist in {cls.__qualname__}"
        else:
            yield from _value(value, known[name], cls, f"{path}.{name}")
    optional = {"type"} if cls is stripe.ErrorObject else set()
    for name, annotation in known.items():
        if name not in body and type(None) not in typing.get_args(annotation) and name not in optional:
            yield f"{path}.{name} is missing"


def _annotations(cls: type) -> dict[str, Any]:
    own = [parent for parent in cls.__mro__ if issubclass(parent, stripe.StripeObject) and not _is_base(parent)]
    found = {name: kind for parent in reversed(own) for name, kind in parent.__annotations__.items()}
    return {name: kind for name, kind in found.items() if not name.startswith("_") and name != "OBJECT_NAME"}


def _is_base(cls: type) -> bool:
    return cls is stripe.StripeObject or cls.__module__.endswith(("_resource", "_resource_base", "_api_resource"))


def _value(value: Any, annotation: Any, cls: type, path: str) -> Iterator[str]:
    kinds = [_resolved(kind) for kind in typing.get_args(annotation)] if _is_union(annotation) else [annotation]
    if value is None:
        if type(None) not in kinds:
            yield f"{path} is null"
        return
    kinds = [_resolved(kind) for kind in kinds if kind is not type(None)]
    words = [word for kind in kinds if typing.get_origin(kind) is typing.Literal for word in typing.get_args(kind)]
    if words and isinstance(value, str):
        if value not in words:
            yield f"{path} is {value!r}, which is not one of {words}"
        return
    problems = [list(_single(value, kind, path)) for kind in kinds]
    if all(problems):
        yield from min(problems, key=len)


def _single(value: Any, kind: Any, path: str) -> Iterator[str]:
    origin = typing.get_origin(kind)
    if kind is Any:
        yield from breaches(value, path) if isinstance(value, dict) and "object" in value else ()
    elif origin in (list, typing.List):  # noqa: UP006 the package writes it so
        if not isinstance(value, list):
            yield f"{path} is not a list"
        else:
            for place, each in enumerate(value):
                yield from _value(each, typing.get_args(kind)[0], kind, f"{path}[{place}]")
    elif isinstance(value, dict):
        cls = origin or kind
        if cls is stripe._stripe_object.UntypedStripeObject:
            yield from breaches(value, path) if "object" in value else ()
        elif cls is stripe.ListObject:
            yield from _list(value, path)
        elif isinstance(cls, type) and issubclass(cls, stripe.StripeObject):
            yield from _fields(value, cls, path)
        else:
            yield f"{path} is an object, not {kind}"
    elif kind is decimal.Decimal:
        if not isinstance(value, str):
            yield f"{path} is not a decimal string"
    elif not isinstance(kind, type) or type(value) is not kind:
        yield f"{path} is {value!r}, not {kind}"


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Union


def _resolved(kind: Any) -> Any:
    """The class behind a name that the package imports for type checkers only."""
    name = getattr(kind, "__forward_arg__", None)
    if name is None:
        return kind
    for module in (stripe, stripe.checkout, stripe.radar):
        if hasattr(module, name):
            return getattr(module, name)
    return object  # something that the sandbox never embeds


# --- Parameters -----------------------------------------------------------------------------------------


def unknown_parameters(rules: Rules, params: type, path: str = "") -> Iterator[str]:
    """Parameters that only the sandbox accepts, and parameters that only stripe requires."""
    known = {name: kind for name, kind in params.__annotations__.items() if name not in OPTIONS}
    for name, rule in rules.items():
        where = f"{path}[{name}]" if path else name
        if name not in known:
            yield f"{params.__name__}: {where} does not exist"
            continue
        kinds = list(_kinds(known[name], params))
        words = {word for kind in kinds if typing.get_origin(kind) is typing.Literal for word in typing.get_args(kind)}
        yield from (f"{where}={word} does not exist" for word in rule.words if words and word not in words)
        for inner in (kind for kind in kinds if hasattr(kind, "__required_keys__")):
            yield from unknown_parameters(dict(rule.fields or {}), inner, where)
    required: frozenset[str] = getattr(params, "__required_keys__")  # noqa: B009 a typed dictionary has it
    for name in required - OPTIONS:
        if rules and not (name in rules and rules[name].required):
            yield f"{params.__name__}: {path}[{name}] is required by stripe and not by the sandbox"


def _kinds(annotation: Any, params: type) -> Iterator[Any]:
    """Every alternative in an annotation, with lists and wrappers taken off."""
    name = getattr(annotation, "__forward_arg__", annotation if isinstance(annotation, str) else None)
    if name is not None:
        module = __import__(params.__module__, fromlist=["*"])
        scope = {**vars(typing), **vars(module), "Literal": typing.Literal, "UntypedStripeObject": dict}
        for part in _alternatives(name):
            yield from _kinds(eval(part, scope), params)
    elif typing.get_origin(annotation) in (typing.Union, list, typing.NotRequired):
        for inner in typing.get_args(annotation):
            yield from _kinds(inner, params)
    else:
        yield annotation


def _alternatives(name: str) -> list[str]:
    """`A|Literal['x', 'y']|B` at its outer bars."""
    parts, depth = [""], 0
    for character in name:
        depth += (character in "[(") - (character in "])")
        if character == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
