"""A JSON value that is valid against a JSON schema, filled from what the prompt says."""

import math
import re
from typing import Any

from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.pattern import matching
from sandbox.providers.writer.sums import find_sum

__all__ = ["value_for"]

_DEEP = 5  # beyond this many levels optional parts are left out and lists stay empty

_PLACES = {"city", "location", "place", "town", "destination", "country", "region", "address", "capital", "origin"}
_NAMES = {"name", "person", "author", "customer", "user", "recipient", "speaker", "owner", "company", "participants"}
_SENTENCES = {
    "summary", "description", "text", "content", "body", "message", "answer", "explanation", "reason", "rationale",
    "reasoning", "comment", "notes", "response", "output", "thought",
}  # fmt: skip
_QUESTIONS = {"query", "q", "question", "search", "prompt", "input", "request", "task"}


def value_for(schema: Any, hints: Hints, name: str = "") -> Any:
    """A value that `schema` allows; names of properties decide which facts of the prompt go where."""
    return _Filler(schema, hints).value(schema, name, 0)


class _Filler:
    def __init__(self, root: Any, hints: Hints) -> None:
        self.root = root
        self.hints = hints
        self.used: set[float] = set()

    def value(self, schema: Any, name: str, depth: int, index: int = 0) -> Any:
        schema = self.resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            choices = schema["enum"]
            mentioned = self.hints.mentioned(choices)
            return choices[index % len(choices)] if mentioned is None or index else mentioned
        match _type_of(schema):
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, name, depth)
            case "string":
                return self.string(schema, name, index)
            case "integer":
                return int(self.number(schema, name, index, whole=True))
            case "number":
                number = self.number(schema, name, index, whole=False)
                return int(number) if number == int(number) else number
            case "boolean":
                return not re.search(
                    rf"\b(?:no|not|without|never)\b.{{0,20}}\b{re.escape(name)}", self.hints.text, re.I
                )
            case "null":
                return None
        return self.string(schema, name, index)

    def resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        """`schema` with references, unions and intersections resolved to one plain schema."""
        for _ in range(32):
            if not isinstance(schema, dict):
                return {}
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self.referred(schema["$ref"]), **rest}
            elif "allOf" in schema:
                merged = {key: value for key, value in schema.items() if key != "allOf"}
                for part in schema["allOf"]:
                    merged = _merged(merged, self.resolved(part, depth))
                schema = merged
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                schema = _merged(rest, self.chosen(options, depth))
            else:
                return schema
        return {}

    def referred(self, reference: str) -> dict[str, Any]:
        found = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found[step.replace("~1", "/").replace("~0", "~")]
        return found if isinstance(found, dict) else {}

    def chosen(self, options: list[Any], depth: int) -> dict[str, Any]:
        """The first option that is not null; deep down, the plainest one."""
        plain = [option for option in options if not (isinstance(option, dict) and option.get("type") == "null")]
        if depth >= _DEEP:
            plain = sorted(options, key=lambda option: len(str(option)) if isinstance(option, dict) else 0)
            plain.sort(key=lambda option: isinstance(option, dict) and ("$ref" in option or "properties" in option))
        option = (plain or options)[0]
        return option if isinstance(option, dict) else {}

    def object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = set(schema.get("required") or ())
        made = {
            key: self.value(part, key, depth + 1)
            for key, part in properties.items()
            if key in required or (depth < _DEEP and part is not False)
        }
        for key in required - properties.keys():
            made[key] = self.value(schema.get("additionalProperties") or {}, key, depth + 1)
        extra = schema.get("additionalProperties")
        fewest = int(schema.get("minProperties") or 0)
        if isinstance(extra, dict) and not properties:
            fewest = max(fewest, 1 if depth < _DEEP else 0)
        while len(made) < fewest:
            made[f"key_{len(made) + 1}"] = self.value(extra or {}, "", depth + 1, len(made))
        return made

    def array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        made = [self.value(part, name, depth + 1) for part in schema.get("prefixItems") or ()]
        items = schema.get("items", {})
        if items is False:
            return made
        fewest = int(schema.get("minItems") or 0)
        most = int(schema["maxItems"]) if schema.get("maxItems") is not None else max(fewest, 10)
        wanted = max(fewest, min(most, self.how_many(name)))
        if depth >= _DEEP:
            wanted = fewest
        singular = name.removesuffix("s")
        listed = self.hints.enumerated
        if wanted and listed and not fewest and _type_of(self.resolved(items, depth)) == "string":
            wanted = min(most, len(listed))
        while len(made) < wanted:
            item = self.value(items, singular, depth + 1, len(made))
            if schema.get("uniqueItems") and item in made:
                item = self.another(item, made)
                if item is None:
                    break
            made.append(item)
        return made

    def how_many(self, name: str) -> int:
        near = self.hints.number_near(name) if name else None
        return int(near) if near is not None and 1 <= near <= 20 else 3

    @staticmethod
    def another(item: Any, made: list[Any]) -> Any:
        if isinstance(item, str):
            return f"{item} {len(made) + 1}"
        if isinstance(item, bool) or not isinstance(item, int | float):
            return None
        return max(made) + 1

    def number(self, schema: dict[str, Any], name: str, index: int, *, whole: bool) -> float:
        low, high = _bounds(schema, whole=whole)
        step = schema.get("multipleOf") or (1 if whole else 0)
        near = self.hints.number_near(name) if name else None
        unused = [
            n for n in self.hints.numbers if n not in self.used and low <= n <= high and (not whole or n == int(n))
        ]
        if near is not None and low <= near <= high:
            number = near
        elif unused:
            number = unused[0]
        else:
            number = min(max(42 if whole else 4.2, low), high) if math.isfinite(low + high) else max(low, min(high, 42))
        self.used.add(number)
        number += index * (step or 1) if number + index * (step or 1) <= high else 0
        if step:
            number = math.floor(number / step) * step
            number = number if number >= low else number + step
        return round(number, 10)

    def string(self, schema: dict[str, Any], name: str, index: int) -> str:
        text = self.text(schema, name, index)
        if pattern := schema.get("pattern"):
            return matching(pattern, [text, *self.hints.quoted, *self.hints.names, *self.hints.text.split()]) or text
        shortest, longest = int(schema.get("minLength") or 0), schema.get("maxLength")
        if len(text) < shortest:
            text = (text or "a").ljust(shortest, ".")
        return text[: int(longest)] if longest is not None else text

    def text(self, schema: dict[str, Any], name: str, index: int) -> str:
        hints = self.hints
        if made := _formatted(str(schema.get("format") or ""), hints, index):
            return made
        words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
        words |= {word.removesuffix("s") for word in words}
        if "email" in words:
            return _formatted("email", hints, index)
        if words & {"url", "link", "website", "uri", "href"}:
            return _formatted("uri", hints, index)
        if words & {"date", "day", "deadline", "birthday"}:
            return _formatted("date", hints, index)
        if "time" in words and hints.times:
            return hints.times[0]
        if words & {"expression", "formula", "equation"}:
            found = find_sum(hints.text)
            return found.asked.replace("×", "*").replace("÷", "/").replace("−", "-") if found else "1 + 1"
        if words & {"timezone"}:
            return "UTC"
        if words & {"currency"}:
            return "USD"
        if words & {"unit", "units"}:
            return "celsius"
        if words & _PLACES:
            return _pick(hints.places or hints.names, index) or "Paris"
        if words & _NAMES:
            return _pick(hints.names, index) or "Ada Lovelace"
        if words & _QUESTIONS:
            return hints.topic
        if words & _SENTENCES:
            return f"A short note about {hints.topic}."
        listed = hints.enumerated
        if index or listed:
            return _pick(listed, index) or f"item {index + 1}"
        return _pick(hints.quoted, 0) or " ".join(hints.topic.split()[:4])


def _type_of(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = [*left["required"], *right["required"]]
    return merged


def _bounds(schema: dict[str, Any], *, whole: bool) -> tuple[float, float]:
    edge = 1 if whole else 1e-6
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if isinstance(schema.get("exclusiveMinimum"), int | float) and not isinstance(schema["exclusiveMinimum"], bool):
        low = max(low, schema["exclusiveMinimum"] + edge)
    if isinstance(schema.get("exclusiveMaximum"), int | float) and not isinstance(schema["exclusiveMaximum"], bool):
        high = min(high, schema["exclusiveMaximum"] - edge)
    return (math.ceil(low), math.floor(high)) if whole and math.isfinite(low) and math.isfinite(high) else (low, high)


def _formatted(form: str, hints: Hints, index: int) -> str:
    match form:
        case "date":
            return _pick(hints.dates, index) or f"2026-01-{15 + index % 14}"
        case "date-time":
            return f"{_pick(hints.dates, index) or '2026-01-15'}T09:30:00Z"
        case "time":
            return f"{_pick(hints.times, index) or '09:30'}:00Z"[:9]
        case "email":
            return _pick(hints.emails, index) or "ada@example.com"
        case "uri" | "url" | "iri":
            return _pick(hints.urls, index) or "https://example.com/"
        case "uuid":
            return f"00000000-0000-4000-8000-{index + 1:012d}"
        case "ipv4":
            return "192.0.2.1"
        case "ipv6":
            return "2001:db8::1"
        case "hostname":
            return "example.com"
        case "duration":
            return "PT1H"
    return ""


def _pick(found: list[str], index: int) -> str:
    return found[index % len(found)] if found else ""
