"""The second door of `guardrails`: creating, changing, assigning and deleting them, for pages and the API.

Every change locks the organization, so that no member leaves meanwhile, and then its credit account, so that no request
is being admitted or settled: settlement locks the account before the rows of assignments.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from billing import spending
from billing.models import CreditAccount
from common.clock import utc_now, window_start
from common.errors import Conflict, NotFound
from keys.models import ApiKey

from .checks import checked
from .models import Assignment, Guardrail

__all__ = ["MAX_GUARDRAILS", "assign", "create", "delete", "forget_member", "forget_organisation", "keys_named",
           "members_named", "unassign", "update"]  # fmt: skip

#: Guardrails of an organization, at most.
MAX_GUARDRAILS = 200


@transaction.atomic
def create(organisation: Organisation, **fields: Any) -> Guardrail:
    """Return a new guardrail. Raises InvalidRequest as `checked` does, Conflict at MAX_GUARDRAILS."""
    fields = checked(fields)
    _lock(organisation)
    if Guardrail.objects.of(organisation).count() >= MAX_GUARDRAILS:
        raise Conflict(f"You have {MAX_GUARDRAILS} guardrails, the maximum. Delete one first.")
    return Guardrail.objects.create(organisation=organisation, **fields)


@transaction.atomic
def update(guardrail: Guardrail, **changes: Any) -> Guardrail:
    """Change these fields and return the guardrail. A first budget, and another interval, count from now.

    Raises InvalidRequest as `checked` does, NotFound when it has just been deleted.
    """
    changes = checked(changes, guardrail)
    _lock(guardrail.organisation)
    found = Guardrail.objects.select_related("organisation").filter(pk=guardrail.pk).first()
    if found is None:
        raise NotFound("Guardrail not found")
    counted_by = (found.limit is None, found.limit_reset)
    for field, value in changes.items():
        setattr(found, field, value)
    found.updated_at = utc_now()
    found.save()
    if (found.limit is None, found.limit_reset) != counted_by:
        started = window_start(found.limit_reset, utc_now()) if found.limit_reset else None
        found.assignments.update(window_usage=0, window_started_at=started)
    return found


@transaction.atomic
def delete(guardrail: Guardrail) -> None:
    """Delete the guardrail with its assignments. Requests that run are charged, and no longer count toward it."""
    _lock(guardrail.organisation)
    Guardrail.objects.filter(pk=guardrail.pk).delete()


@transaction.atomic
def assign(guardrail: Guardrail, by: User | None, *, keys: Sequence[ApiKey] = (), members: Sequence[User] = ()) -> int:
    """Assign the guardrail in place of any other, and return how many keys and members have it now.

    What has it already keeps its count. Raises NotFound when the guardrail or a membership has just ended.
    """
    organisation = guardrail.organisation
    _lock(organisation)
    if not Guardrail.objects.filter(pk=guardrail.pk).exists():
        raise NotFound("Guardrail not found")
    if organisation.members.filter(pk__in=[member.pk for member in members]).count() != len(members):
        raise NotFound("Not all of them are members of this organization")
    mine = Assignment.objects.filter(organisation=organisation)
    targets = mine.filter(key__in=keys) | mine.filter(user__in=members)
    targets.exclude(guardrail=guardrail).delete()
    kept_keys = set(targets.values_list("key_id", flat=True))
    kept_users = set(targets.values_list("user_id", flat=True))
    shared = {"organisation": organisation, "guardrail": guardrail, "assigned_by": by}
    Assignment.objects.bulk_create(
        [Assignment(key=key, **shared) for key in keys if key.pk not in kept_keys]
        + [Assignment(user=member, **shared) for member in members if member.pk not in kept_users]
    )
    return len(keys) + len(members)


@transaction.atomic
def unassign(guardrail: Guardrail, *, keys: Sequence[ApiKey] = (), members: Sequence[User] = ()) -> int:
    """Take the guardrail from these keys and members, and return how many had it."""
    _lock(guardrail.organisation)
    mine = Assignment.objects.filter(guardrail=guardrail)
    return (mine.filter(key__in=keys) | mine.filter(user__in=members)).delete()[0]


def keys_named(organisation: Organisation, hashes: Collection[str], *, or_deleted: bool = False) -> list[ApiKey]:
    """Return the API keys with these hashes, each once. Raises NotFound, which names the first one that is missing."""
    keys = ApiKey.objects.filter(organisation=organisation).for_inference()
    found = keys.filter(hash__in={each for each in hashes if each.isalnum()})
    by_hash = {key.hash: key for key in (found if or_deleted else found.filter(deleted_at=None))}
    if missing := [each for each in hashes if each not in by_hash]:
        raise NotFound(f"API key {missing[0][:64]!r} not found")
    return [by_hash[each] for each in dict.fromkeys(hashes)]


def members_named(organisation: Organisation, user_ids: Collection[str]) -> list[User]:
    """Return the members with these IDs, each once. Raises NotFound, which names the first one that is missing."""
    found = organisation.members.filter(public_id__in={each for each in user_ids if each.isprintable()})
    by_id = {user.public_id: user for user in found}
    if missing := [each for each in user_ids if each not in by_id]:
        raise NotFound(f"{missing[0][:64]!r} is not a member of this organization")
    return [by_id[each] for each in dict.fromkeys(user_ids)]


def forget_member(organisation: Organisation, user: User) -> None:
    """End the guardrail of a member who leaves. The organization must be locked."""
    _lock_account(organisation)
    Assignment.objects.filter(organisation=organisation, user=user).delete()


def forget_organisation(organisation: Organisation) -> None:
    """Delete the guardrails of an organization that ends. It must be locked."""
    _lock_account(organisation)
    Guardrail.objects.of(organisation).delete()


def _lock(organisation: Organisation) -> None:
    if not Organisation.objects.select_for_update(no_key=True).filter(pk=organisation.pk, deleted_at=None).exists():
        raise NotFound("This organization no longer exists.")
    _lock_account(organisation)


def _lock_account(organisation: Organisation) -> None:
    account = spending.account_of(organisation)
    CreditAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
