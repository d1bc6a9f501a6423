"""The reference of the API as Markdown, one chapter per group of operations, from the site's OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.description import inference
from api.router import api

from .examples import example

__all__ = ["Chapter", "chapters"]

#: Groups in the order in which they are read; further ones follow.
ORDER = (
    "Chat", "Responses", "Anthropic Messages", "Embeddings", "Rerank", "Models", "Providers", "Keys", "Credits",
    "Activity", "Analytics", "Presets", "Guardrails", "Organization", "OAuth", "BYOK", "Observability",
)  # fmt: skip
TITLES = {"BYOK": "Provider keys (BYOK)", "Chat": "Chat completions"}
METHODS = ("get", "post", "put", "patch", "delete")
#: Objects inside objects whose fields are listed too.
DEPTH = 3

Json = Mapping[str, Any]
#: (name, type, notes) of a field or a parameter.
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Chapter:
    """The operations of one group, which are described when they are first read: the document takes a while."""

    tag: str

    @property
    def slug(self) -> str:
        """The chapter's part of an address."""
        return re.sub(r"\W+", "-", self.tag.lower())

    @property
    def title(self) -> str:
        """The chapter's title."""
        return TITLES.get(self.tag, self.tag)

    def text(self) -> tuple[str, str]:
        """Return (a summary, the chapter as Markdown)."""
        document = api.get_openapi_schema()
        operations = [
            (method, path, item[method])
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item and _capitalized(item[method]["tags"][0]) == self.tag
        ]
        titles = [operation["summary"] for _, _, operation in operations]
        schemas = document["components"]["schemas"]
        lines: list[str] = []
        for number, (method, path, operation) in enumerate(operations):
            is_again = titles[number] in titles[:number]
            lines.append(f"## {titles[number]}{f' ({path})' if is_again else ''}\n")
            lines += _operation(method, path, operation, schemas)
        return f"{'. '.join(dict.fromkeys(titles))}.", "\n".join(lines)


def chapters() -> list[Chapter]:
    """Return the chapters of the reference in their order."""
    tags = [tag for _, router in api._routers for tag in router.tags or ()]
    tags += [operation.tag for operation in inference.OPERATIONS]
    found = dict.fromkeys(map(_capitalized, tags))
    return [Chapter(tag) for tag in (*(tag for tag in ORDER if tag in found), *sorted(found.keys() - set(ORDER)))]


def _capitalized(tag: str) -> str:
    return tag[0].upper() + tag[1:]


def _operation(method: str, path: str, operation: Json, schemas: Json) -> Iterator[str]:
    yield f"```http\n{method.upper()} {path}\n```\n"
    if description := operation.get("description"):
        yield f"{description}\n"
    if not operation.get("security"):
        yield "No key is needed.\n"
    yield example(method, path, operation)
    if parameters := operation.get("parameters"):
        yield from _table("Parameters", [_parameter(each, schemas) for each in parameters])
    if body := operation.get("requestBody"):
        yield from _table("Body", list(_fields(_content(body), schemas, is_request=True)))
    for status, answer in operation["responses"].items():
        if int(status) < 400 and (schema := _content(answer)):
            yield from _table(f"Response {status}", list(_fields(schema, schemas)))
            if event := answer["content"].get("text/event-stream"):
                yield from _table("Events of a stream", list(_fields(event["schema"], schemas)))
            headers = answer.get("headers", {}).items()
            yield from _table(
                "Response headers",
                [(name, _type_of(each["schema"], schemas), each.get("description", "")) for name, each in headers],
            )
    errors = [f"| {status} | {_cell(answer['description'])} |" for status, answer in operation["responses"].items()
              if int(status) >= 400]  # fmt: skip
    if errors:
        yield "\n".join(["**Errors**\n", "| Status | Meaning |", "| --- | --- |", *errors]) + "\n"


def _content(part: Json) -> Json:
    content: Json = part.get("content", {}).get("application/json", {}).get("schema", {})
    return content


def _table(title: str, rows: list[Row]) -> Iterator[str]:
    """Yield a table of (name, type, notes); nothing without rows."""
    if rows:
        lines = [f"| `{name}` | {_cell(kind)} | {_cell(notes)} |" for name, kind, notes in rows]
        yield "\n".join([f"**{title}**\n", "| Name | Type | Notes |", "| --- | --- | --- |", *lines]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _parameter(parameter: Json, schemas: Json) -> Row:
    schema = parameter["schema"]
    notes = _notes(schema, required=parameter.get("required", False), place=parameter["in"])
    description = parameter.get("description") or schema.get("description", "")
    return parameter["name"], _type_of(schema, schemas), f"{notes} {description}".strip()


def _fields(
    schema: Json, schemas: Json, before: str = "", seen: tuple[str, ...] = (), *, is_request: bool = False
) -> Iterator[Row]:
    """Yield (path, type, notes) of each field of an object, and of the objects in it."""
    name, described = _resolved(schema, schemas)
    if described.get("type") == "array" and not before:
        yield from _fields(described["items"], schemas, "[].", seen, is_request=is_request)
        return
    if name in seen or len(seen) >= DEPTH:
        return
    required = set(described.get("required", ())) | set(schema.get("required", ()))
    for field, each in described.get("properties", {}).items():
        notes = _notes(each, required=is_request and field in required)
        yield before + field, _type_of(each, schemas), f"{notes} {each.get('description', '')}".strip()
        inner, path = _object_in(each, schemas), f"{before}{field}"
        if inner is not None:
            many = _resolved(_not_null(each)[0], schemas)[1].get("type") == "array" if _not_null(each) else False
            yield from _fields(
                inner, schemas, f"{path}[]." if many else f"{path}.", (*seen, name), is_request=is_request
            )


def _resolved(schema: Json, schemas: Json) -> tuple[str, Json]:
    """Return (the name of the component, the schema itself), through references and `allOf`."""
    if "allOf" in schema:
        return _resolved(schema["allOf"][0], schemas)
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return name, _resolved(schemas[name], schemas)[1]
    return "", schema


def _not_null(schema: Json) -> list[Json]:
    return [each for each in schema.get("anyOf", schema.get("oneOf", [schema])) if each.get("type") != "null"]


def _object_in(schema: Json, schemas: Json) -> Json | None:
    """Return the schema of the object that a field holds, or holds a list of; None if it holds none."""
    choices = _not_null(schema)
    if len(choices) != 1:
        return None
    _, described = _resolved(choices[0], schemas)
    if described.get("type") == "array":
        return _object_in(described.get("items", {}), schemas)
    return choices[0] if described.get("properties") else None


def _type_of(schema: Json, schemas: Json) -> str:
    kinds = []
    for choice in schema.get("anyOf", schema.get("oneOf", [schema])):
        _, described = _resolved(choice, schemas)
        if "enum" in described:
            kinds.append(", ".join(f"`{each}`" for each in described["enum"] if each is not None))
        elif "const" in described:
            kinds.append(f"`{described['const']}`")
        elif described.get("type") == "array":
            kinds.append(f"list of {_type_of(described.get('items', {}), schemas)}")
        elif "anyOf" in described or "oneOf" in described:
            kinds.append(_type_of(described, schemas))
        else:
            kind = described.get("type", "any")
            kinds.append(" or ".join(kind) if isinstance(kind, list) else kind)
    return " or ".join(dict.fromkeys(kinds))


def _notes(schema: Json, *, required: bool, place: str = "") -> str:
    """Return where a value stands, whether it is required, its default and its bounds."""
    bounds = ", ".join(each for choice in _not_null(schema) for each in _bounds(choice))
    default = schema.get("default")
    shown = str(default).lower() if isinstance(default, bool) else default
    parts = (
        f"In the {place}." if place and place != "query" else "",
        "Required." if required else "",
        f"{bounds[:1].upper()}{bounds[1:]}." if bounds else "",
        f"Default: {shown}." if default not in (None, "", [], {}) else "",
    )
    return " ".join(part for part in parts if part)


def _bounds(schema: Json) -> Iterator[str]:
    words = {
        "minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}",
        "exclusiveMaximum": "less than {}", "maxLength": "at most {} characters", "maxItems": "at most {} entries",
    }  # fmt: skip
    for name, text in words.items():
        if name in schema:
            yield text.format(f"{schema[name]:,}")
