"""The door of `presets` for requests: the preset that a slug names, from memory.

A change takes effect at once in the process that made it, and in every other one within USABLE_SECONDS.
"""

from django.conf import settings

from accounts.models import Organisation
from common.errors import Gone, InvalidRequest, NotFound
from common.storage import database
from common.storage.fresh_cache import FreshCache

from .content import Undecryptable, opened
from .merging import PresetInUse
from .models import Preset

__all__ = ["PresetInUse", "active", "clear", "find", "page"]

#: Seconds for which a preset needs no query, and after which it must be read again.
FRESH_SECONDS = 1.0
USABLE_SECONDS = 1.8


#: Presets by the organization's ID and the slug. Their prompts are in this process's memory only.
in_use: FreshCache[tuple[int, str], PresetInUse] = FreshCache(
    fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS, max_size=500
)


async def find(organisation_id: int, slug: str) -> PresetInUse:
    """Return the preset for a request.

    Raises NotFound (404) for one that is unknown or archived, InvalidRequest (400) for a disabled one, and Gone (410)
    when the site can no longer decrypt it. Each names the remedy.
    """
    preset, stale = in_use.lookup((organisation_id, slug))
    if preset is not None and not stale:
        return preset
    read_at = in_use.now()
    try:
        preset = await database.run(_read, organisation_id, slug)
    except (NotFound, InvalidRequest):
        if preset is not None:
            clear(organisation_id, slug)
        raise
    in_use.put((organisation_id, slug), preset, read_at=read_at)
    return preset


def active(organisation: Organisation) -> list[Preset]:
    """Return the presets that requests can use, by name, with their designated versions."""
    presets = Preset.objects.of(organisation).filter(status=Preset.Status.ACTIVE)
    return list(presets.select_related("designated_version").order_by("name", "pk"))


def clear(organisation_id: int, slug: str) -> None:
    """Read a changed preset again."""
    in_use.discard((organisation_id, slug))


def page(slug: str = "") -> str:
    """Return the URL of the page of presets, or of one preset."""
    return f"{settings.SITE_URL}/settings/presets" + (f"/{slug}" if slug else "")


def _read(organisation_id: int, slug: str) -> PresetInUse:
    presets = Preset.objects.select_related("designated_version")
    preset = presets.filter(organisation_id=organisation_id, slug=slug).first() if slug.isprintable() else None
    if preset is None or preset.designated_version is None:
        raise NotFound(f"Preset {slug[:64]!r} not found. Check its slug, or create it at {page()}")
    if preset.status == Preset.Status.ARCHIVED:
        raise NotFound(f"Preset {slug!r} is archived. Restore it at {page(slug)}")
    if preset.status == Preset.Status.DISABLED:
        raise InvalidRequest(f"Preset {slug!r} is disabled. Enable it at {page(slug)}")
    version = preset.designated_version
    try:
        content = opened(version)
    except Undecryptable:
        raise Gone(f"This site can no longer decrypt the preset {slug!r}. Save it again at {page(slug)}") from None
    return PresetInUse(
        version_id=version.pk,
        slug=preset.slug,
        version=version.number,
        system_prompt=content.system_prompt,
        config=content.config,
    )
