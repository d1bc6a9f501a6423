"""The form of one API, made from the description of its fields."""

import json
from typing import Any

from django import forms
from django.http import QueryDict

from common.errors import InvalidRequest

from .description import GROUPS, MESSAGES, Api, Field, Group, Kind, fields_of
from .requests import json_text
from .requests.bodies import body_of, headers_of
from .requests.messages import Message, faults_of, messages_in

__all__ = ["RequestForm"]

MAX_DEPTH = 60  # of JSON
_QUIET = {"autocomplete": "off", "spellcheck": "false"}


class _Number(forms.FloatField):
    """A number within the limits of its description."""

    def __init__(self, described: Field) -> None:
        self.described = described
        placeholder = described.default
        limits = {"min": described.low, "max": described.high}
        attributes = {name: _plain(value) for name, value in limits.items() if value is not None}
        whole = described.kind is Kind.INTEGER
        attributes |= {"step": "1" if whole else "any", "inputmode": "numeric" if whole else "decimal"}
        if placeholder:
            attributes["placeholder"] = placeholder
        super().__init__(required=False, widget=forms.NumberInput(attributes))

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        if found is None:
            return None
        described = self.described
        low, high = described.low, described.high
        too_low = low is not None and (found <= low if described.above else found < low)
        if too_low or (high is not None and found > high):
            raise forms.ValidationError(_limits(described))
        if described.kind is Kind.INTEGER:
            if found != int(found):
                raise forms.ValidationError("Use a whole number.")
            return int(found)
        return int(found) if found.is_integer() else found


class _Items(forms.CharField):
    """Names between commas, or texts on lines of their own."""

    def __init__(self, described: Field) -> None:
        self.described = described
        lines = described.kind is Kind.LINES
        widget = forms.Textarea({"rows": 3, **_QUIET}) if lines else forms.TextInput({"class": "mono", **_QUIET})
        super().__init__(required=False, strip=False, widget=widget)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = str(super().to_python(value) or "").replace("\r\n", "\n")
        if self.described.kind is Kind.LINES:
            items = [line for line in text.split("\n") if line.strip()]
        else:
            items = [name.strip() for name in text.split(",") if name.strip()]
        if self.described.most and len(items) > self.described.most:
            raise forms.ValidationError(f"Use up to {self.described.most:,}. Remove some of these {len(items):,}.")
        return items

    def validate(self, value: Any) -> None:
        """Nothing more to check."""

    def run_validators(self, value: Any) -> None:
        for item in value:
            super().run_validators(item)


class _Json(forms.CharField):
    """A JSON object or list."""

    def __init__(self, described: Field) -> None:
        self.wanted: type = dict if described.kind is Kind.OBJECT else list
        super().__init__(required=False, widget=forms.Textarea({"class": "mono", "rows": 5, **_QUIET}))

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = json_text.parse(text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise forms.ValidationError(f"This isn't valid JSON: {error.msg} at {place}.") from error
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(
                "This isn't valid JSON: it has a number or text that JSON can't hold."
            ) from error
        if not isinstance(found, self.wanted):
            kind = "an object, in braces" if self.wanted is dict else "a list, in brackets"
            raise forms.ValidationError(f"Enter {kind}.")
        if _is_deeper(found, MAX_DEPTH):
            raise forms.ValidationError(f"This is nested more than {MAX_DEPTH} levels deep. Make it flatter.")
        return found


class RequestForm(forms.Form):
    """The form of an API. After `is_valid`, `body` and `headers` have what its valid fields say."""

    use_required_attribute = False

    def __init__(self, api: Api, data: QueryDict) -> None:
        super().__init__(data, label_suffix="")
        self.api = api
        attributes = {"class": "mono", "list": "models", "placeholder": "author/model", **_QUIET}
        self.fields["model"] = forms.CharField(required=False, max_length=300, widget=forms.TextInput(attributes))
        self.described = fields_of(api.path)
        for each in self.described:
            self.fields[each.name] = _control(each)
        self.messages: list[Message] = messages_in(data) if api.roles else []
        self.message_errors: dict[int, str] = {}
        self.body: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def clean(self) -> dict[str, Any]:
        """Check what concerns several fields, and build the request."""
        cleaned = super().clean() or self.cleaned_data
        self.message_errors = faults_of(self.messages)
        if cleaned.get("format") == "json_schema" and cleaned.get("schema", "") is None:
            self.add_error("schema", "Enter the JSON Schema that the response has to match.")
        if self.api.path == MESSAGES and cleaned.get("max_tokens", "") is None:
            self.add_error("max_tokens", "This API requires a limit. Enter one, for example 1024.")
        if not self.api.roles and cleaned.get("input") == []:
            self.add_error("input", "Enter a text to embed.")
        for name in ("referer", "title"):
            if not _is_header(cleaned.get(name) or ""):
                self.add_error(name, "Use the letters, digits and signs of ASCII only. Headers can't have others.")
        usable = [each for at, each in enumerate(self.messages) if at not in self.message_errors]
        self.headers = headers_of(self.cleaned_data)
        try:
            self.body = body_of(self.api.path, self.described, self.cleaned_data, usable)
        except InvalidRequest as error:
            self.add_error("other", error.message)
            self.body = body_of(self.api.path, self.described, self.cleaned_data, usable)
        return cleaned

    def groups(self) -> list[tuple[Group, list[tuple[Field, forms.BoundField]], bool]]:
        """(the group, its fields, whether it is open): open if it always is, or if a field of it is set."""
        found = []
        for group in GROUPS:
            fields = [(each, self[each.name]) for each in self.described if each.group == group.name]
            if fields or (group.name == "prompt" and self.api.roles):
                is_set = any(bound.value() not in (None, "", False) or bound.errors for _, bound in fields)
                found.append((group, fields, not group.collapsed or is_set))
        return found


def _control(described: Field) -> forms.Field:
    match described.kind:
        case Kind.INTEGER | Kind.NUMBER:
            control: forms.Field = _Number(described)
        case Kind.CHOICE:
            control = forms.ChoiceField(required=False, choices=described.choices)
        case Kind.FLAG:
            control = forms.BooleanField(required=False)
        case Kind.NAMES | Kind.LINES:
            control = _Items(described)
        case Kind.OBJECT | Kind.LIST:
            control = _Json(described)
        case Kind.LONG:
            control = forms.CharField(required=False, strip=False, widget=forms.Textarea({"rows": 3}))
        case _:
            attributes = {**_QUIET, **({"placeholder": described.default} if described.default else {})}
            control = forms.CharField(required=False, max_length=described.most, widget=forms.TextInput(attributes))
    control.label, control.help_text = described.label, described.help
    return control


def _limits(described: Field) -> str:
    low, high = described.low, described.high
    assert low is not None
    least = f"above {_plain(low)}" if described.above else f"from {_plain(low)}"
    return f"Use a number {least} to {_plain(high)}." if high is not None else f"Use a number {least} on."


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _is_deeper(value: Any, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()
