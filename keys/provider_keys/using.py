"""Own provider keys as requests use them: decrypted, with their filters. For accounts that have some."""

import logging

import msgspec

from accounts.models import Organisation
from common import encryption
from common.naming.model_lists import is_listed
from keys.models import OwnProviderKey

__all__ = ["OwnKey", "own_keys_of"]

log = logging.getLogger(__name__)


class OwnKey(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's key of an account. Its secret is not in its repr, because reprs get into logs."""

    id: int
    version: int  # rises with every new secret
    provider: str  # slug
    secret: str
    is_fallback: bool = False
    always_use: bool = False
    models: frozenset[str] | None = None  # IDs, and "author/*"; None: all
    key_hashes: frozenset[str] | None = None  # of API keys
    user_ids: frozenset[int] | None = None

    def __repr__(self) -> str:
        return f"OwnKey({self.id}, {self.provider})"

    def allows(self, key_hash: str, user_id: int) -> bool:
        """Whether a request with this API key (empty: the chat) and member may use it."""
        return (self.key_hashes is None or key_hash in self.key_hashes) and (
            self.user_ids is None or user_id in self.user_ids
        )

    def allows_model(self, model_id: str) -> bool:
        """Whether requests of this model may use it. A model's variants need no entry of their own."""
        return self.models is None or is_listed(model_id, self.models, with_variants=True)


def own_keys_of(organisation: Organisation) -> tuple[OwnKey, ...]:
    """Return the organization's keys that are enabled, in the order in which they are tried.

    Those that can't be decrypted are logged by their ID and left out.
    """
    rows = list(OwnProviderKey.objects.of(organisation).filter(disabled=False))
    named = {public_id for row in rows for public_id in row.allowed_user_ids or ()}
    members = dict(organisation.members.filter(public_id__in=named).values_list("public_id", "pk")) if named else {}
    found = []
    for row in rows:
        try:
            secret = encryption.decrypt(row.secret)
        except encryption.Undecryptable as error:
            log.error(
                "own provider key %d is not used: it was %s. Run: manage.py check --database default", row.pk, error
            )
            continue
        found.append(
            OwnKey(
                id=row.pk,
                version=row.secret_version,
                provider=row.provider,
                secret=secret,
                is_fallback=row.is_fallback,
                always_use=row.always_use,
                models=None if row.allowed_models is None else frozenset(row.allowed_models),
                key_hashes=None if row.allowed_key_hashes is None else frozenset(row.allowed_key_hashes),
                user_ids=None
                if row.allowed_user_ids is None
                else frozenset(members[each] for each in row.allowed_user_ids if each in members),
            )
        )
    return tuple(found)
