"""Display names of the dimensions of usage."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from accounts.models import Organisation, User
from gateway.models import Generation
from keys.models import ApiKey
from models_catalog import catalog
from presets.models import PresetVersion

__all__ = ["Name", "app_name", "names_of", "preset_version", "provider_name"]


@dataclass(frozen=True, slots=True)
class Name:
    """A label, and its value in the query string: empty if it can't be filtered by."""

    label: str
    parameter: str = ""


def names_of(column: str, values: Iterable[Any], organisation: Organisation) -> dict[Any, Name]:
    """Return a name for each value of a UsageHour column."""
    values = list(values)
    match column:
        case "key_id":
            keys = ApiKey.objects.filter(organisation=organisation, pk__in=values)
            known = {
                pk: Name(f"{name} (deleted)" if deleted_at else name, public)
                for pk, public, name, deleted_at in keys.values_list("pk", "hash", "name", "deleted_at")
            }
            return {value: known.get(value, Name("Chat" if value == 0 else "Deleted key")) for value in values}
        case "user_id":
            found = User.objects.filter(pk__in=values)
            users = {each.pk: Name("Deleted user" if each.is_deleted else each.email, each.public_id) for each in found}
            return {value: users.get(value, Name("Deleted user" if value else "None")) for value in values}
        case "source":
            return {value: Name(str(dict(Generation.Source.choices).get(value, value)), value) for value in values}
        case "provider":
            return {value: Name(provider_name(value) or "None (no response)", value) for value in values}
        case "app":
            return {value: Name(app_name(value) or "Not named", value) for value in values}
        case _:
            return {value: Name(value, value) for value in values}


def provider_name(slug: str) -> str:
    """Return the provider's display name, or its slug if it is no longer in the catalog."""
    provider = catalog.current().providers.get(slug)
    return provider.name if provider else slug


def preset_version(version_id: int) -> PresetVersion | None:
    """Return the version of a preset that was part of a request, with its preset; None for 0."""
    return PresetVersion.objects.select_related("preset").filter(pk=version_id).first() if version_id else None


def app_name(app: str) -> str:
    """Return an app's URL without scheme and trailing slash."""
    address = urlsplit(app)
    return (address.netloc + address.path).rstrip("/").removeprefix("www.") or app
