"""Expansion: an id in an answer replaced by the object that it names."""

from sandbox.stripe.errors import InvalidParameter, Json
from sandbox.stripe.store import Store, public

_DEEPEST = 4


def shown(store: Store, body: Json, paths: list[str]) -> Json:
    """The answer as it is sent: without the sandbox's notes, with these paths expanded."""
    answer = _public(body)
    for path in paths:
        steps = path.split(".")
        if len([step for step in steps if step != "data"]) > _DEEPEST:
            raise InvalidParameter(
                f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand"
            )
        answer = _expanded(store, answer, steps, path)
    return answer


def _public(body: Json) -> Json:
    if body.get("object") == "list":
        return body | {"data": [public(each) for each in body["data"]]}
    return public(body)


def _expanded(store: Store, body: Json, steps: list[str], path: str) -> Json:
    step, rest = steps[0], steps[1:]
    if body.get("object") == "list":
        if step != "data":
            raise _impossible(path)
        return body | {"data": [_expanded(store, each, rest, path) if rest else each for each in body["data"]]}
    if step not in body:
        raise _impossible(path)
    value = body[step]
    if isinstance(value, str):
        found = store.find(value)
        if found is None:
            raise _impossible(path)
        value = _public(found)
    elif value is not None and not isinstance(value, dict):
        raise _impossible(path)
    if value is not None and rest:
        value = _expanded(store, value, rest, path)
    return body | {step: value}


def _impossible(path: str) -> InvalidParameter:
    return InvalidParameter(f"This property cannot be expanded ({path}).", param="expand")
