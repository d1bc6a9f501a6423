"""The form of a preset: fields for the settings that most presets have, JSON for all others."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
from django import forms

from common.errors import InvalidRequest
from presets import rules
from presets.content import Content
from presets.models import Preset

__all__ = ["PresetForm"]

EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
_MONO = {"class": "mono", "autocomplete": "off", "spellcheck": "false"}
_AREA = {**_MONO, "rows": 3}


class NamesField(forms.CharField):
    """Names separated by commas or lines, cleaned to a list."""

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        return [name.strip() for name in text.replace("\n", ",").split(",") if name.strip()]


class PresetForm(forms.Form):
    """A preset's name, description and content. `content` returns the content once the form is valid."""

    name = forms.CharField(
        max_length=100,
        help_text="For example “Customer support”.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    slug = forms.CharField(
        max_length=rules.MAX_SLUG,
        required=False,
        help_text="Part of @preset/slug in requests. Made from the name if you leave it empty. It can't change later.",
        widget=forms.TextInput({**_MONO, "pattern": "[a-z0-9]([a-z0-9\\-]*[a-z0-9])?", "autocapitalize": "none"}),
    )
    description = forms.CharField(max_length=500, required=False, widget=forms.TextInput({"autocomplete": "off"}))

    model = forms.CharField(
        max_length=300,
        required=False,
        help_text="Empty: the model of the request, or your default model.",
        widget=forms.TextInput({**_MONO, "list": "models", "placeholder": "author/model"}),
    )
    models = NamesField(
        label="Fallback models",
        required=False,
        help_text="Tried in this order when the model fails. One per line.",
        widget=forms.Textarea(_AREA),
    )
    system_prompt = forms.CharField(
        max_length=rules.MAX_SYSTEM_PROMPT,
        required=False,
        strip=False,
        help_text="Sent before the messages of each request. Stored encrypted.",
        widget=forms.Textarea({"rows": 8}),
    )

    temperature = forms.FloatField(min_value=0, max_value=2, required=False, help_text="0 to 2")
    top_p = forms.FloatField(label="Top P", min_value=0, max_value=1, required=False, help_text="Above 0, up to 1")
    max_tokens = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, help_text="Of the response")
    effort = forms.ChoiceField(
        label="Reasoning effort",
        required=False,
        choices=[("", "Model's default"), ("none", "None"), *((name, name.capitalize()) for name in EFFORTS)],
    )

    sort = forms.ChoiceField(
        label="Provider sorting",
        required=False,
        choices=[
            ("", "Default"),
            ("price", "Lowest price"),
            ("throughput", "Highest throughput"),
            ("latency", "Lowest latency"),
        ],
    )
    only = NamesField(
        label="Only these providers",
        required=False,
        help_text="Slugs, separated by commas",
        widget=forms.TextInput(_MONO),
    )
    ignore = NamesField(
        label="Excluded providers",
        required=False,
        help_text="Slugs, separated by commas",
        widget=forms.TextInput(_MONO),
    )
    zdr = forms.BooleanField(label="Only providers with zero data retention", required=False)
    no_collection = forms.BooleanField(label="Only providers that don't collect prompts", required=False)

    advanced = forms.CharField(
        label="Other fields",
        required=False,
        help_text="A JSON object with other fields of a request, such as tools, response_format, plugins and stop, or "
        "cache_enabled and cache_ttl_seconds.",
        widget=forms.Textarea({**_AREA, "rows": 8, "placeholder": '{"stop": ["END"]}'}),
    )

    def __init__(
        self, *args: Any, preset: Preset | None = None, content: Content | None = None, **options: Any
    ) -> None:
        """Make the form of a new preset, or of an existing one with its content."""
        if preset is not None:
            options["initial"] = {"name": preset.name, "description": preset.description}
            options["initial"] |= _initial(content or Content())
        super().__init__(*args, **options)
        if preset is not None:
            del self.fields["slug"]
        self.content = Content()

    def clean_system_prompt(self) -> str:
        return str(self.cleaned_data["system_prompt"]).replace("\r\n", "\n")  # as browsers end the lines of a field

    def clean_advanced(self) -> dict[str, Any]:
        text = str(self.cleaned_data["advanced"])
        return _object(text) if text.strip() else {}

    def clean(self) -> dict[str, Any]:
        """Check the content by the rules of requests. A fault stands beside the field that it is about."""
        cleaned = super().clean() or self.cleaned_data
        if "slug" in self.fields and "name" in cleaned and "slug" in cleaned:
            cleaned["slug"] = cleaned["slug"] or rules.slug_of(cleaned["name"])
            try:
                rules.check_slug(cleaned["slug"])
            except InvalidRequest as error:
                self.add_error("slug", error.message)
        if not self.errors:
            try:
                self.content = Content(system_prompt=cleaned["system_prompt"], config=_config(cleaned))
                rules.check(self.content)
            except InvalidRequest as error:
                self.add_error(*_beside_field(error.message))
        return cleaned


#: The field of the form for each field of a request: its path and the type of its values.
_PATHS: dict[str, tuple[tuple[str, ...], type | tuple[type, ...]]] = {
    "model": (("model",), str),
    "models": (("models",), list),
    "temperature": (("temperature",), (int, float)),
    "top_p": (("top_p",), (int, float)),
    "max_tokens": (("max_tokens",), int),
    "effort": (("reasoning", "effort"), str),
    "sort": (("provider", "sort"), str),
    "only": (("provider", "only"), list),
    "ignore": (("provider", "ignore"), list),
    "zdr": (("provider", "zdr"), bool),
    "no_collection": (("provider", "data_collection"), str),
}


def _initial(content: Content) -> dict[str, Any]:
    """The values of the form's fields. What has no field, or a value that its field cannot show, is JSON."""
    rest = deepcopy(content.config)
    initial: dict[str, Any] = {"system_prompt": content.system_prompt}
    for name, (path, kind) in _PATHS.items():
        holder = rest if len(path) == 1 else rest.get(path[0])
        if not isinstance(holder, dict) or not isinstance(value := holder.get(path[-1]), kind):
            continue
        if (shown := _shown(name, value)) is None:
            continue
        initial[name] = shown
        del holder[path[-1]]
        if not holder:
            rest.pop(path[0], None)
    if rest:
        initial["advanced"] = msgspec.json.format(msgspec.json.encode(rest), indent=2).decode()
    return initial


def _shown(name: str, value: Any) -> Any:
    """The value as its field shows it; None if the field cannot."""
    match name:
        case "models":
            return "\n".join(value)
        case "only" | "ignore":
            return ", ".join(value)
        case "no_collection":
            return True if value == "deny" else None
        case "zdr":
            return value or None
        case "sort":
            return value if value in {"price", "throughput", "latency"} else None
    return value


def _config(cleaned: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request. Raises InvalidRequest when the JSON repeats a field of the form."""
    config: dict[str, Any] = deepcopy(cleaned["advanced"])
    for path, value in _given(cleaned):
        holder = config if len(path) == 1 else config.setdefault(path[0], {})
        if not isinstance(holder, dict):
            raise _in_advanced(f"`{path[0]}` must be an object")
        if path[-1] in holder:
            raise _in_advanced(f"`{'.'.join(path)}` is set in a field above too. Remove one of them")
        holder[path[-1]] = value
    return config


def _given(cleaned: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, (path, _) in _PATHS.items():
        value = cleaned[name]
        if value is None or value is False or value in ("", []):  # but zero is a temperature
            continue
        yield path, "deny" if name == "no_collection" else value


def _object(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise forms.ValidationError(f"This is not valid JSON: {error}.") from error
    if not isinstance(found, dict):
        raise forms.ValidationError('This must be a JSON object, for example {"stop": ["END"]}.')
    return {name: value for name, value in found.items() if value is not None}


def _in_advanced(reason: str) -> InvalidRequest:
    return InvalidRequest(f"{reason} - at `$.advanced`")


def _beside_field(message: str) -> tuple[str, str]:
    """(the form's field that an error is about, the error's words for it)."""
    text = message.removeprefix("Invalid request parameters: ")
    place = rules.place_of(message)
    if place in {"model", "models", "system_prompt", "temperature", "top_p", "max_tokens", "advanced"}:
        return place, text.partition(" - at `$.")[0].rstrip(".") + "."
    return "advanced", text
