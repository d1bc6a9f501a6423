"""The limits that requests count toward: spend limits of keys and members, budgets of guardrails.

Functions over the rows that a batch has locked.
"""

from datetime import datetime

from common.limits import spend_limits
from keys.rules.status import remaining, require_place, require_usable, start_window

from .batch import LockedRows
from .holds import Admission, Limit
from .rows import GenerationRow

__all__ = ["add_cost", "add_hold", "limits_of", "require_key"]


def require_key(locked: LockedRows, generation: GenerationRow, now: datetime) -> None:
    """Raise NotAuthenticated if the request's key may not be used, RateLimited if it has no place for one more."""
    if generation.key_id is not None:
        key = locked.keys.get(generation.key_id)
        require_usable(key, now)
        assert key is not None
        require_place(key.max_concurrent_requests, locked.running_by_keys.get(key.id, 0))


def limits_of(locked: LockedRows, generation: GenerationRow, now: datetime) -> list[Limit]:
    """Return the limits of the request's key and member, and of the guardrails of both.

    What each leaves is without what running requests hold.
    """
    limits = []
    of_key = locked.held_by_keys.get(generation.key_id or 0, 0)
    of_member = locked.held_by_members.get(_spender(generation), 0)
    listed_of_key = locked.listed_by_keys.get(generation.key_id or 0, 0)
    listed_of_member = locked.listed_by_members.get(_spender(generation), 0)
    if key := locked.keys.get(generation.key_id or 0):
        includes_byok = key.include_byok_in_limit
        held = of_key + (listed_of_key if includes_byok else 0)
        limits.append(Limit("key", remaining(key, now, held=held), includes_byok=includes_byok))
    if member := locked.members.get(_spender(generation)):
        limits.append(Limit("member", spend_limits.remaining(member, now, held=of_member)))
    for budget in locked.budgets_of(generation):
        held, listed = (of_member, listed_of_member) if budget.key_id is None else (of_key, listed_of_key)
        left = spend_limits.remaining(budget, now, held=held + (listed if budget.include_byok else 0))
        limits.append(Limit("guardrail", left, budget.guardrail, budget.include_byok))
    return limits


def add_hold(locked: LockedRows, generation: GenerationRow, admission: Admission) -> None:
    """Count a new hold for the next requests of the batch with the same key or member."""
    spender, hold, listed = _spender(generation), admission.hold, admission.byok_listed
    if (key := generation.key_id) is not None:
        locked.held_by_keys[key] = locked.held_by_keys.get(key, 0) + hold
        locked.listed_by_keys[key] = locked.listed_by_keys.get(key, 0) + listed
        locked.running_by_keys[key] = locked.running_by_keys.get(key, 0) + 1
    locked.held_by_members[spender] = locked.held_by_members.get(spender, 0) + hold
    locked.listed_by_members[spender] = locked.listed_by_members.get(spender, 0) + listed


def add_cost(locked: LockedRows, generation: GenerationRow, now: datetime) -> None:
    """Count what the request was charged, and its list price on the customer's own provider key where that counts."""
    if key := locked.keys.get(generation.key_id or 0):
        key.usage += generation.cost
        start_window(key, now)
        key.window_usage += generation.cost
        key.byok_usage += generation.byok_cost
        key.window_byok_usage += generation.byok_cost
        key.last_used_at = now
    if member := locked.members.get(_spender(generation)):
        spend_limits.start_window(member, now)
        member.window_usage += generation.cost
    for budget in locked.budgets_of(generation):
        spend_limits.start_window(budget, now)
        budget.window_usage += generation.cost + (generation.byok_cost if budget.include_byok else 0)


def _spender(generation: GenerationRow) -> tuple[int, int]:
    return generation.account_id, generation.user_id or 0
