"""JSON shapes of own provider keys."""

from datetime import datetime

from ninja import Schema

__all__ = ["Deleted", "ProviderKey", "ProviderKeys", "TestedProviderKey"]


class ProviderKeyData(Schema):
    """A key of a provider. Its secret is never shown: `label` has its last characters.

    A list that is null allows all. `sort_order` is the place among the provider's keys. Nothing is declared about the
    account at the provider: the endpoint's own region and data policy count.
    """

    id: str
    provider: str
    workspace_id: str | None
    label: str
    name: str | None
    disabled: bool
    is_fallback: bool
    is_required: bool
    is_byok_only: bool
    declared_region: str | None
    declared_zdr: bool | None
    allowed_models: list[str] | None
    allowed_api_key_hashes: list[str] | None
    allowed_user_ids: list[str] | None
    sort_order: int
    created_at: datetime


class ProviderKey(Schema):
    data: ProviderKeyData


class KeyTest(Schema):
    """The result of a test of a key before it was saved. `works` is false where it could not be told."""

    works: bool
    message: str


class TestedProviderKey(ProviderKey):
    """`test` is there when there is a new secret."""

    test: KeyTest | None = None


class ProviderKeys(Schema):
    data: list[ProviderKeyData]
    total_count: int


class Deleted(Schema):
    deleted: bool
