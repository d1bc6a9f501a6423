"""The second door of `presets`: creating, editing and switching presets, for pages and the API.

Every save is a version of its own. Requests use the designated one: the newest, until another is designated.
"""

from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import Organisation, User
from common.clock import utc_now
from common.errors import Conflict, InvalidRequest

from . import lookup, rules
from .content import Content, Undecryptable, opened, sealed
from .models import Preset, PresetVersion

__all__ = ["MAX_PRESETS", "MAX_VERSIONS", "create", "designate", "duplicate", "free_slug", "save", "switch"]

#: Presets of an organization that are not archived, and versions of a preset.
MAX_PRESETS = 500
MAX_VERSIONS = 1000


@transaction.atomic
def create(
    organisation: Organisation, user: User | None, *, slug: str, name: str, content: Content, description: str = ""
) -> Preset:
    """Return a new preset with its first version.

    Raises InvalidRequest for a slug or content that may not be, Conflict when the slug is taken or the organization has
    MAX_PRESETS.
    """
    rules.check_slug(slug)
    rules.check(content)
    _lock(organisation)
    if taken := Preset.objects.of(organisation).filter(slug=slug).first():
        remedy = "Restore it, or choose another slug" if taken.status == Preset.Status.ARCHIVED else "Choose another"
        raise Conflict(f"The slug {slug!r} is taken by “{taken.name}”. {remedy}.")
    _require_room(organisation)
    preset = Preset.objects.create(
        organisation=organisation, created_by=user, slug=slug, name=name, description=description
    )
    _add_version(preset, user, content)
    return preset


@transaction.atomic
def save(preset: Preset, user: User | None, content: Content, **details: str) -> Preset:
    """Add a version, designate it, and return the preset. Content that has not changed makes no version.

    `details` may have a new `name` and `description`. Raises InvalidRequest for content that may not be, Conflict when
    the preset is archived or has MAX_VERSIONS.
    """
    if unknown := details.keys() - {"name", "description"}:
        raise ValueError(f"not changeable: {', '.join(sorted(unknown))}")
    rules.check(content)
    locked = _locked(preset)
    if locked.status == Preset.Status.ARCHIVED:
        raise Conflict(f"Preset {locked.slug!r} is archived. Restore it at {lookup.page(locked.slug)}")
    _update(locked, **details)
    if not _is_content_of(locked.designated_version, content):
        _add_version(locked, user, content)
    return locked


@transaction.atomic
def designate(preset: Preset, version: PresetVersion) -> Preset:
    """Let requests use this version of the preset from now on, and return the preset."""
    if version.preset_id != preset.pk:
        raise ValueError("the version belongs to another preset")
    return _update(_locked(preset), designated_version=version)


@transaction.atomic
def switch(preset: Preset, status: Preset.Status) -> Preset:
    """Enable, disable, archive or restore the preset, and return it. Raises Conflict at MAX_PRESETS."""
    _lock(preset.organisation)
    locked = _locked(preset)
    if locked.status == status:
        return locked
    if locked.status == Preset.Status.ARCHIVED:
        _require_room(preset.organisation)
    return _update(locked, status=status, status_updated_at=utc_now())


def duplicate(preset: Preset, user: User | None) -> Preset:
    """Return a copy of the preset's designated version under a name and slug of its own.

    Raises InvalidRequest when it can no longer be read or used, Conflict at MAX_PRESETS.
    """
    assert preset.designated_version is not None
    try:
        content = opened(preset.designated_version)
    except Undecryptable as error:
        raise InvalidRequest(f"The preset is {error}.") from error
    return create(
        preset.organisation,
        user,
        slug=free_slug(preset.organisation, f"{preset.slug[: rules.MAX_SLUG - 9].strip('-')}-copy"),
        name=f"{preset.name[:93]} (copy)",
        content=content,
        description=preset.description,
    )


def free_slug(organisation: Organisation, slug: str) -> str:
    """Return the slug, with a number after it if it is taken."""
    taken = set(Preset.objects.of(organisation).filter(slug__startswith=slug).values_list("slug", flat=True))
    candidates = (slug if number == 1 else f"{slug}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _lock(organisation: Organisation) -> None:
    """Let one transaction at a time count the organization's presets."""
    Organisation.objects.select_for_update().get(pk=organisation.pk)


def _require_room(organisation: Organisation) -> None:
    if Preset.objects.of(organisation).listed().count() >= MAX_PRESETS:
        raise Conflict(f"You have {MAX_PRESETS} presets, the maximum. Archive some at {lookup.page()}")


def _locked(preset: Preset) -> Preset:
    return Preset.objects.select_for_update().get(pk=preset.pk)


def _add_version(preset: Preset, user: User | None, content: Content) -> None:
    """Add and designate a version. The caller holds the lock of the preset's row, so its number is the next."""
    number = (preset.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    if number > MAX_VERSIONS:
        raise Conflict(f"Preset {preset.slug!r} has {MAX_VERSIONS} versions, the maximum. Duplicate it to go on.")
    version = preset.versions.create(created_by=user, number=number, content=sealed(content))
    _update(preset, designated_version=version)


def _is_content_of(version: PresetVersion | None, content: Content) -> bool:
    try:
        return version is not None and opened(version) == content
    except Undecryptable:
        return False


def _update(preset: Preset, **changes: Any) -> Preset:
    changes["updated_at"] = utc_now()
    for field, value in changes.items():
        setattr(preset, field, value)
    preset.save(update_fields=changes.keys())
    transaction.on_commit(lambda: lookup.clear(preset.organisation_id, preset.slug))
    return preset
