"""Adding, changing, ordering and deleting own provider keys, for pages and the API."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Max, QuerySet
from django.views.decorators.debug import sensitive_variables

from accounts.models import Organisation, User
from common import encryption
from common.clock import utc_now
from common.errors import InvalidRequest
from keys.models import ApiKey, OwnProviderKey

from . import directory
from .secrets import checked, label_of

__all__ = ["MAX_FILTER", "MAX_KEYS", "KeySettings", "add", "change", "delete", "follow_rotation", "forget_member",
           "move"]  # fmt: skip

#: Keys of one organization, and entries of one of their filters, at most.
MAX_KEYS = 100
MAX_FILTER = 100
MAX_NAME = 255


class KeySettings(TypedDict, total=False):
    """The settings of a key. A missing setting keeps its default or its present value."""

    name: str
    disabled: bool
    is_fallback: bool
    always_use: bool
    allowed_models: list[str] | None
    allowed_key_hashes: list[str] | None
    allowed_user_ids: list[str] | None


@sensitive_variables("secret")
@transaction.atomic
def add(
    organisation: Organisation, user: User | None, provider: str, secret: str, **chosen: Unpack[KeySettings]
) -> OwnProviderKey:
    """Store a provider's key, encrypted, behind the provider's other keys. Raises InvalidRequest.

    The secret can't be read again by anyone: only its last characters are shown.
    """
    if provider not in directory.current().providers():
        raise InvalidRequest("Unknown provider, or one that takes no keys of your own here.")
    secret = checked(secret, provider)
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    known = OwnProviderKey.objects.of(organisation)
    if known.count() >= MAX_KEYS:
        raise InvalidRequest(f"An account has at most {MAX_KEYS} provider keys. Delete one that you no longer use.")
    _refuse_duplicate(known, provider, secret)
    last = known.filter(provider=provider).aggregate(last=Max("position"))["last"]
    return OwnProviderKey.objects.create(
        organisation=organisation,
        created_by=user,
        provider=provider,
        secret=encryption.encrypt(secret),
        label=label_of(secret),
        position=0 if last is None else last + 1,
        **_valid(organisation, chosen),
    )


@sensitive_variables("secret")
@transaction.atomic
def change(key: OwnProviderKey, secret: str | None = None, **chosen: Unpack[KeySettings]) -> OwnProviderKey:
    """Apply the settings, and replace the secret if there is one. Raises InvalidRequest."""
    locked = OwnProviderKey.objects.select_for_update().select_related("organisation").get(pk=key.pk, deleted_at=None)
    changes: dict[str, Any] = _valid(locked.organisation, chosen)
    if changes.get("is_fallback") and "always_use" not in changes:
        changes["always_use"] = False
    if changes.get("always_use") and "is_fallback" not in changes:
        changes["is_fallback"] = False
    if secret is not None:
        secret = checked(secret, locked.provider)
        _refuse_duplicate(OwnProviderKey.objects.of(locked.organisation).exclude(pk=locked.pk), locked.provider, secret)
        changes |= {
            "secret": encryption.encrypt(secret),
            "label": label_of(secret),
            "secret_version": locked.secret_version + 1,
        }
    changes["updated_at"] = utc_now()
    for field, value in changes.items():
        setattr(locked, field, value)
    locked.save(update_fields=changes.keys())
    return locked


@transaction.atomic
def move(key: OwnProviderKey, steps: int) -> None:
    """Move a key among the provider's keys of its kind (prioritized or fallback): -1 is up, 1 is down."""
    rows = list(OwnProviderKey.objects.of(key.organisation).select_for_update().filter(provider=key.provider))
    kind = [row for row in rows if row.is_fallback == key.is_fallback]
    others = [row for row in rows if row.is_fallback != key.is_fallback]
    place = next((number for number, row in enumerate(kind) if row.pk == key.pk), None)
    if place is None or not 0 <= place + steps < len(kind):
        return
    kind.insert(place + steps, kind.pop(place))
    for position, row in enumerate([*kind, *others] if not key.is_fallback else [*others, *kind]):
        if row.position != position:
            row.position = position
            row.save(update_fields=["position"])


def delete(key: OwnProviderKey) -> None:
    """Delete the key and wipe its secret. Its row stays, because the usage history refers to it."""
    now = utc_now()
    OwnProviderKey.objects.filter(pk=key.pk, deleted_at=None).update(deleted_at=now, updated_at=now, secret="")


def forget_member(keys: "QuerySet[OwnProviderKey]", public_id: str, key_hashes: Collection[str] = ()) -> None:
    """Take a member, and their API keys, off the lists of those who may use the keys."""
    for key in keys:
        for field, gone in (("allowed_user_ids", (public_id,)), ("allowed_key_hashes", key_hashes)):
            listed = getattr(key, field) or []
            if any(each in gone for each in listed):
                setattr(key, field, [each for each in listed if each not in gone])
                key.save(update_fields=[field])


def follow_rotation(rotated: ApiKey, old_hash: str) -> None:
    """Give an API key that was rotated its new hash in the lists of those who may use an own provider key."""
    for key in OwnProviderKey.objects.filter(organisation=rotated.organisation_id):
        if old_hash in (listed := key.allowed_key_hashes or []):
            key.allowed_key_hashes = [rotated.hash if each == old_hash else each for each in listed]
            key.save(update_fields=["allowed_key_hashes"])


def _valid(organisation: Organisation, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, with filters without repetitions. Raises InvalidRequest."""
    settings = dict(chosen)
    if unknown := settings.keys() - KeySettings.__annotations__.keys():
        raise ValueError(f"not changeable: {', '.join(sorted(unknown))}")
    if settings.get("is_fallback") and settings.get("always_use"):
        raise InvalidRequest("A fallback key is used after shared capacity, so it can't always be used. Choose one.")
    if "name" in settings:
        settings["name"] = " ".join(settings["name"].split())
        if len(settings["name"]) > MAX_NAME or not settings["name"].isprintable():
            raise InvalidRequest(f"A name has at most {MAX_NAME} characters, and no control characters.")
    for field in ("allowed_models", "allowed_key_hashes", "allowed_user_ids"):
        if settings.get(field) is not None:
            settings[field] = list(dict.fromkeys(settings[field]))
            if len(settings[field]) > MAX_FILTER:
                raise InvalidRequest(f"{field}: at most {MAX_FILTER} entries.")
    if models := settings.get("allowed_models"):
        _require_text(models, "allowed_models")
    if hashes := settings.get("allowed_key_hashes"):
        live = ApiKey.objects.of(organisation).for_inference().filter(hash__in=_require_text(hashes, "API keys"))
        _require_all(hashes, live.values_list("hash", flat=True), "API keys")
    if members := settings.get("allowed_user_ids"):
        known = organisation.members.filter(public_id__in=_require_text(members, "members"))
        _require_all(members, known.values_list("public_id", flat=True), "members")
    return settings


def _require_text(entries: Sequence[str], of: str) -> Sequence[str]:
    if not all(entry and entry.isprintable() and len(entry) <= 200 for entry in entries):
        raise InvalidRequest(f"The allowed {of.removeprefix('allowed_')} have an entry that is no name or ID.")
    return entries


def _require_all(wanted: Sequence[str], found: Collection[str], of: str) -> None:
    missing = set(wanted).difference(found)
    if missing:
        raise InvalidRequest(f"The allowed {of} have {len(missing)} that this account does not have.")


@sensitive_variables("secret")
def _refuse_duplicate(keys: "QuerySet[OwnProviderKey]", provider: str, secret: str) -> None:
    for each in keys.filter(provider=provider):
        try:
            is_same = encryption.decrypt(each.secret) == secret
        except encryption.Undecryptable:
            continue
        if is_same:
            raise InvalidRequest("You have added this key before. Change its settings instead of adding it twice.")
