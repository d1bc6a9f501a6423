"""The caller of a request: the account that pays, the key or user that spends, and the policy that applies."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db.models import Exists, OuterRef

from accounts.access import privacy_of
from accounts.models import Organisation, PrivacySettings, User
from billing import spending
from common.naming.model_lists import is_listed
from common.storage import database
from common.storage.fresh_cache import FreshCache
from common.storage.ready_queries import ReadyQuery, row_of
from guardrails import lookup
from guardrails.lookup import Restrictions
from keys.authentication import KeyIdentity
from keys.models import OwnProviderKey
from keys.provider_keys.using import OwnKey, own_keys_of
from keys.rules.restrictions import Restrictions as KeyRestrictions

__all__ = ["Caller", "caller_as_saved", "chat_caller", "clear", "key_caller", "policy_of"]

#: Seconds for which an organization needs no query, and after which it must be read again: a change of privacy settings
#: or guardrails may take this long to reach every process.
FRESH_SECONDS = 1.2
USABLE_SECONDS = 2.0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The organization's rules: how providers may use its prompts, which providers it uses, and in which order.

    `guardrails` are further restrictions of the key and the member. The strictest applies.
    """

    allow_paid_training: bool = False
    allow_free_training: bool = False
    allow_free_publication: bool = False
    zero_data_retention: bool = False
    classifies_requests: bool = False  # the use of its requests is found from their text, and stored
    logged_share: int = 0  # of its requests, in basis points: their content is stored, if `logged_keys` allow it
    logged_keys: frozenset[str] = frozenset()  # hashes of API keys; empty: all requests, the chat's as well
    allowed_providers: frozenset[str] = frozenset()
    ignored_providers: frozenset[str] = frozenset()
    allowed_models: frozenset[str] = frozenset()  # IDs, and "author/*"
    ignored_models: frozenset[str] = frozenset()
    default_sort: str = ""  # what to sort endpoints by where a request does not say: price, throughput, latency
    guardrails: tuple[Restrictions, ...] = ()

    @property
    def keeps_nothing(self) -> bool:
        """Whether zero data retention is demanded for any model: then this site keeps nothing either."""
        return self.zero_data_retention or any(each.zdr_groups for each in self.guardrails)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one request needs to know about its caller."""

    account_id: int
    key_id: int | None
    user_id: int | None
    source: str  # Generation.Source
    default_model: str
    policy: Policy
    purchased: int = 0  # all-time purchases, pico-USD
    own_keys: tuple[OwnKey, ...] = ()  # provider keys of its own that this caller may use
    logged_share: int = 0  # of its requests, in basis points: their content is stored
    restrictions: KeyRestrictions | None = None  # of the key; None: it has none
    app: str = ""
    app_title: str = ""
    user_agent: str = ""
    wants_routing: bool = False  # whether the response describes how it was routed
    #: `X-Sandbox-*` headers, sent to the provider sandbox only.
    sandbox_headers: Mapping[str, str] = {}

    def allows_model(self, model_id: str) -> bool:
        """Whether a router may choose the model for the caller."""
        policy, restrictions = self.policy, self.restrictions
        if policy.allowed_models and not is_listed(model_id, policy.allowed_models):
            return False
        if is_listed(model_id, policy.ignored_models):
            return False
        return restrictions is None or restrictions.allows_model(model_id)


class _Payer(msgspec.Struct, frozen=True):
    account_id: int
    purchased: int
    default_model: str
    policy: Policy
    has_guardrails: bool
    own_keys: tuple[OwnKey, ...] = ()


#: Organizations by ID.
payers: FreshCache[int, _Payer] = FreshCache(fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS)
#: What restricts the callers of organizations with guardrails, by organization, key (0 in the chat) and user.
restrictions: FreshCache[tuple[int, int, int], tuple[Restrictions, ...]] = FreshCache(
    fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS
)


async def key_caller(identity: KeyIdentity, **details: Any) -> Caller:
    """The caller behind an API key. An app that the key was made for counts where the request names none."""
    if identity.app and not details.get("app"):
        details["app"] = identity.app
    payer = await _payer(identity.organisation_id)
    return Caller(
        account_id=payer.account_id,
        key_id=identity.key_id,
        user_id=identity.created_by or None,
        source="api",
        default_model=payer.default_model,
        policy=await _policy(payer, identity.organisation_id, identity.key_id, identity.created_by),
        purchased=payer.purchased,
        own_keys=_allowed(payer, identity.hash, identity.created_by) if payer.own_keys else (),
        logged_share=_logged_share(payer.policy, identity.hash),
        restrictions=identity.restrictions,
        **details,
    )


async def chat_caller(user: User, organisation: Organisation, **details: Any) -> Caller:
    """The caller behind the chat: a user of an organization."""
    payer = await _payer(organisation.pk)
    return Caller(
        account_id=payer.account_id,
        key_id=None,
        user_id=user.pk,
        source="chat",
        default_model=payer.default_model,
        policy=await _policy(payer, organisation.pk, 0, user.pk),
        purchased=payer.purchased,
        own_keys=_allowed(payer, "", user.pk) if payer.own_keys else (),
        logged_share=_logged_share(payer.policy, ""),
        **details,
    )


def caller_as_saved(user: User, organisation: Organisation, identity: KeyIdentity | None = None) -> Caller:
    """The caller behind an API key, or behind the chat without one, with everything as it is saved now; blocks."""
    payer = _read_payer(organisation.pk)
    key_id, key_hash, user_id = 0, "", user.pk
    if identity is not None:
        key_id, key_hash, user_id = identity.key_id, identity.hash, identity.created_by
    guardrails = lookup.restrictions_for(organisation.pk, key_id, user_id) if payer.has_guardrails else ()
    return Caller(
        account_id=payer.account_id,
        key_id=key_id or None,
        user_id=user_id or None,
        source="api" if identity else "chat",
        default_model=payer.default_model,
        policy=msgspec.structs.replace(payer.policy, guardrails=guardrails),
        purchased=payer.purchased,
        own_keys=_allowed(payer, key_hash, user_id),
        restrictions=identity.restrictions if identity else None,
    )


def _allowed(payer: _Payer, key_hash: str, user_id: int) -> tuple[OwnKey, ...]:
    return tuple(each for each in payer.own_keys if each.allows(key_hash, user_id))


def _logged_share(policy: Policy, key_hash: str) -> int:
    return policy.logged_share if not policy.logged_keys or key_hash in policy.logged_keys else 0


def clear() -> None:
    """Make the next request read its organization and its guardrails again."""
    payers.clear()
    restrictions.clear()


async def _payer(organisation_id: int) -> _Payer:
    payer, stale = payers.lookup(organisation_id)
    if payer is not None and not stale:
        return payer
    read_at = payers.now()
    payer = await database.run(_read_payer, organisation_id)
    payers.put(organisation_id, payer, read_at=read_at)
    return payer


async def _policy(payer: _Payer, organisation_id: int, key_id: int, user_id: int) -> Policy:
    """The organization's policy with the guardrails of the key and the user. No query where it has assigned none."""
    if not payer.has_guardrails:
        return payer.policy
    caller = (organisation_id, key_id, user_id)
    found, stale = restrictions.lookup(caller)
    if found is None or stale:
        read_at = restrictions.now()
        found = await database.run(lookup.restrictions_for, *caller)
        restrictions.put(caller, found, read_at=read_at)
    return msgspec.structs.replace(payer.policy, guardrails=found) if found else payer.policy


def policy_of(organisation: Organisation) -> Policy:
    """The organization's policy as it is saved now; blocks."""
    return _policy_from(privacy_of(organisation), organisation.default_sort)


def _policy_from(privacy: PrivacySettings, default_sort: str) -> Policy:
    return Policy(
        allow_paid_training=privacy.allow_paid_training,
        allow_free_training=privacy.allow_free_training,
        allow_free_publication=privacy.allow_free_publication,
        zero_data_retention=privacy.zero_data_retention,
        classifies_requests=privacy.classify_requests,
        logged_share=privacy.log_share if privacy.log_for_discount else 0,
        logged_keys=frozenset(privacy.log_keys),
        allowed_providers=frozenset(privacy.allowed_providers),
        ignored_providers=frozenset(privacy.ignored_providers),
        allowed_models=frozenset(privacy.allowed_models),
        ignored_models=frozenset(privacy.ignored_models),
        default_sort=default_sort,
    )


_PRIVACY = tuple(field.name for field in PrivacySettings._meta.concrete_fields)
_own_keys = OwnProviderKey.objects.filter(organisation=OuterRef("pk"), deleted_at=None, disabled=False)
_payers = ReadyQuery(
    lambda pk: (
        Organisation.objects.filter(pk=pk)
        .annotate(has_own_keys=Exists(_own_keys), has_guardrails=lookup.any_assigned())
        .values_list(
            *("default_model", "default_sort", "has_guardrails", "has_own_keys"),
            *("credit_account__pk", "credit_account__purchased"),
            *(f"privacy__{name}" for name in _PRIVACY),
        )
    )
)


def _read_payer(organisation_id: int) -> _Payer:
    """The organization as it is saved now, read in one query, and in another one if it has own provider keys."""
    if not (found := _payers.rows(organisation_id)):
        raise Organisation.DoesNotExist
    model, sort, has_guardrails, has_own_keys, account_id, purchased, privacy_id, *others = found[0]
    organisation = Organisation(pk=organisation_id)
    if account_id is None:  # its first use
        account_id, purchased = spending.account_of(organisation).pk, 0
    privacy = row_of(PrivacySettings, _PRIVACY, (privacy_id, *others)) if privacy_id else PrivacySettings()
    return _Payer(
        account_id=account_id,
        purchased=purchased,
        default_model=model,
        policy=_policy_from(privacy, sort),
        has_guardrails=bool(has_guardrails),
        own_keys=own_keys_of(organisation) if has_own_keys else (),
    )
