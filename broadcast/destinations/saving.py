"""Creating, changing and deleting destinations, for pages and the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

import msgspec
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.models import Organisation, User
from broadcast.kinds import KINDS, MASK, Config, webhook
from broadcast.models import ALL, Destination
from common import encryption
from common.clock import utc_now
from common.errors import Conflict, InvalidRequest, NotFound
from common.naming.names import clean_name
from keys.models import ApiKey

__all__ = [
    "MAX_KEYS",
    "MAX_NAME",
    "MAX_OF_KIND",
    "Settings",
    "change",
    "config_of",
    "create",
    "delete",
    "key_ids_of",
    "old_secrets_end_at",
    "public_config",
    "renew_secret",
    "resume",
    "stop_old_secrets",
]

#: Destinations of a kind in an organization, and API keys that one is restricted to.
MAX_OF_KIND, MAX_KEYS = 5, 100
MAX_NAME = 100

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Config).decode


class Settings(TypedDict, total=False):
    """The settings of a destination. A missing one keeps its default or its present value."""

    name: str
    enabled: bool
    sample: int
    key_ids: list[int] | None
    privacy_mode: bool
    with_cost: bool
    with_identity: bool
    with_context: bool


@sensitive_variables()
@transaction.atomic
def create(
    organisation: Organisation, user: User | None, kind: str, given: Mapping[str, Any], **chosen: Unpack[Settings]
) -> tuple[Destination, str]:
    """Create a destination for requests from now on; return it, and the signing secret of a webhook, else "".

    The secret can't be read again. Raises InvalidRequest, and Conflict beyond `MAX_OF_KIND`.
    """
    if kind not in KINDS:
        raise InvalidRequest(
            f"type: choose one of {', '.join(KINDS)}. Most platforms take OpenTelemetry: use {Destination.Kind.OTLP}."
        )
    if not Organisation.objects.select_for_update(no_key=True).filter(pk=organisation.pk, deleted_at=None).exists():
        raise NotFound("This organization no longer exists.")
    if Destination.objects.of(organisation).filter(kind=kind).count() >= MAX_OF_KIND:
        raise Conflict(f"An account has at most {MAX_OF_KIND} destinations of a type. Delete one that you don't use.")
    now = utc_now()
    config, secret = KINDS[kind].checked(given), ""
    if kind == Destination.Kind.WEBHOOK:
        config[webhook.SECRET] = secret = webhook.new_secret()
    destination = Destination.objects.create(
        organisation=organisation,
        created_by=user,
        kind=kind,
        config=_sealed(config),
        cursor_at=now,
        due_at=now,
        created_at=now,
        updated_at=now,
        **_valid(chosen),
    )
    return destination, secret


@sensitive_variables()
@transaction.atomic
def change(destination: Destination, given: Mapping[str, Any] | None = None, **chosen: Unpack[Settings]) -> Destination:
    """Apply the settings, and the parts of the configuration that are given. A mask keeps what is stored.

    One that is enabled again gets the requests from now on. A new configuration is tried at once, if it was paused too.
    Raises InvalidRequest, and NotFound if it was just deleted.
    """
    locked, now = _locked(destination), utc_now()
    changes: dict[str, Any] = _valid(chosen)
    if given is not None:
        stored = config_of(locked)
        config = KINDS[locked.kind].checked({**stored, **_unmasked(given, stored)})
        config |= {name: stored[name] for name in webhook.SIGNING if name in stored}
        changes |= {"config": _sealed(config), **_at_once(now)}
    if changes.get("enabled") and not locked.enabled:
        changes |= {"cursor_at": now, "cursor_id": "", **_at_once(now)}
        locked.late_requests.all().delete()
    return _save(locked, {**changes, "updated_at": now})


@transaction.atomic
def resume(destination: Destination) -> Destination:
    """Let a destination that was paused try again at once, from where it stopped."""
    return _save(_locked(destination), _at_once(utc_now()))


@sensitive_variables()
@transaction.atomic
def renew_secret(destination: Destination) -> tuple[Destination, str]:
    """Give a webhook a new signing secret, and return both. The old one is used as well until `old_secrets_end_at`.

    Raises NotFound for other kinds, and InvalidRequest if the configuration can't be decrypted.
    """
    locked, config = _locked_webhook(destination)
    config = webhook.with_new_secret(config, utc_now())
    return _save_config(locked, config), config[webhook.SECRET]


@sensitive_variables()
@transaction.atomic
def stop_old_secrets(destination: Destination) -> Destination:
    """Let a webhook be signed with its newest secret only. Raises as `renew_secret` does."""
    locked, config = _locked_webhook(destination)
    return _save_config(locked, webhook.without_old_secrets(config))


def old_secrets_end_at(destination: Destination) -> datetime | None:
    """Return when a webhook's old secrets stop being used; None if only the newest one is used."""
    try:
        return webhook.old_secrets_end_at(config_of(destination), utc_now())
    except InvalidRequest:
        return None


def delete(destination: Destination) -> None:
    """Delete a destination. A batch that is under way may still arrive."""
    Destination.objects.filter(pk=destination.pk).delete()


def config_of(destination: Destination) -> Config:
    """Return the configuration with its secrets. Raises InvalidRequest if it can't be decrypted."""
    try:
        return _decode(encryption.decrypt(destination.config))
    except encryption.Undecryptable:
        raise InvalidRequest(
            "This site can no longer decrypt the configuration. Delete the destination and create it again."
        ) from None


def public_config(destination: Destination) -> Config:
    """Return the configuration with masks in place of secrets; empty if it can't be decrypted."""
    try:
        return KINDS[destination.kind].public(config_of(destination))
    except InvalidRequest:
        return {}


def key_ids_of(organisation: Organisation, hashes: Sequence[str]) -> list[int]:
    """Return the IDs of the organization's API keys with these hashes. Raises InvalidRequest if one is missing."""
    wanted = set(hashes)
    if len(wanted) > MAX_KEYS:
        raise InvalidRequest(f"api_key_hashes: at most {MAX_KEYS} keys.")
    found = ApiKey.objects.of(organisation).for_inference().filter(hash__in=[each for each in wanted if each.isalnum()])
    ids = sorted(found.values_list("pk", flat=True))
    if len(ids) != len(wanted):
        raise InvalidRequest(f"api_key_hashes: {len(wanted) - len(ids)} of them are not API keys of this account.")
    return ids


def _locked(destination: Destination) -> Destination:
    found = Destination.objects.select_for_update().filter(pk=destination.pk).first()
    if found is None:
        raise NotFound("Destination not found")
    return found


def _locked_webhook(destination: Destination) -> tuple[Destination, Config]:
    locked = _locked(destination)
    if locked.kind != Destination.Kind.WEBHOOK:
        raise NotFound("Only webhooks have a signing secret.")
    return locked, config_of(locked)


def _at_once(now: datetime) -> dict[str, Any]:
    return {"paused_at": None, "failures": 0, "due_at": now}


def _save_config(locked: Destination, config: Config) -> Destination:
    return _save(locked, {"config": _sealed(config), "updated_at": utc_now()})


def _save(locked: Destination, changes: Mapping[str, Any]) -> Destination:
    for field, value in changes.items():
        setattr(locked, field, value)
    locked.save(update_fields=[*changes])
    return locked


def _valid(chosen: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(chosen)
    if "name" in settings:
        settings["name"] = clean_name(settings["name"])
        if not settings["name"] or len(settings["name"]) > MAX_NAME:
            raise InvalidRequest(f"name: enter 1 to {MAX_NAME} visible characters.")
    if not 1 <= settings.get("sample", ALL) <= ALL:
        raise InvalidRequest(f"sampling_rate: enter a number from {1 / ALL} to 1.")
    return settings


@sensitive_variables()
def _unmasked(given: Mapping[str, Any], stored: Config) -> Config:
    """Return what is given, with stored secrets in place of masks."""
    found = {name: stored.get(name) if value == MASK else value for name, value in given.items()}
    if isinstance(headers := given.get("headers"), dict):
        known = stored.get("headers", {})
        found["headers"] = {name: known.get(name, "") if value == MASK else value for name, value in headers.items()}
    return found


@sensitive_variables()
def _sealed(config: Config) -> str:
    return encryption.encrypt(_encode(config).decode())
