"""JSON shapes of presets."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema

__all__ = ["Preset", "PresetVersion", "PresetVersions", "Presets"]


class PresetData(Schema):
    """A preset. Requests with it fail unless its status is `active`."""

    id: str
    slug: str
    name: str
    description: str | None
    status: Literal["active", "disabled", "archived"]
    status_updated_at: datetime | None
    designated_version_id: str | None
    creator_user_id: str | None
    workspace_id: str | None
    created_at: datetime
    updated_at: datetime


class PresetVersionData(Schema):
    """One save of a preset. It never changes. `creator_id` is empty when the user is deleted."""

    id: str
    preset_id: str
    version: int
    system_prompt: str | None
    config: dict[str, Any]
    creator_id: str
    created_at: datetime
    updated_at: datetime


class PresetWithVersionData(PresetData):
    """A preset with the version that requests use."""

    designated_version: PresetVersionData | None


class Preset(Schema):
    data: PresetWithVersionData


class Presets(Schema):
    data: list[PresetData]
    total_count: int


class PresetVersion(Schema):
    data: PresetVersionData


class PresetVersions(Schema):
    data: list[PresetVersionData]
    total_count: int
