"""The reader's API keys that may use a model, for its page."""

from dataclasses import dataclass
from typing import cast

from django import template
from django.http import HttpRequest

from accounts import access
from common.clock import utc_now
from common.web.http import AuthedRequest
from guardrails.models import Assignment
from guardrails.rules import Restrictions, restrictions_of
from keys.models import ApiKey
from keys.rules import restrictions
from keys.rules.status import KeyStatus
from models_catalog.entries import ModelEntry

register = template.Library()

#: Keys that are named.
MOST = 5


@dataclass(frozen=True, slots=True)
class UsableKeys:
    """The newest keys that may use the model, how many more there are, and whether the reader has a key at all."""

    named: list[ApiKey]
    more: int
    has_any: bool


@register.simple_tag
def usable_keys(request: HttpRequest, model: ModelEntry) -> UsableKeys | None:
    """Return the keys that the signed-in reader sees and that may use the model; None for a visitor."""
    if not request.user.is_authenticated:
        return None
    member = cast(AuthedRequest, request)
    organisation = access.for_member(member)
    keys = list(ApiKey.objects.visible_to(member.user, organisation).for_inference().order_by("-created_at"))
    assigned = Assignment.objects.filter(organisation=organisation).select_related("guardrail") if keys else ()
    of_key: dict[int, Restrictions] = {}
    of_user: dict[int, Restrictions] = {}
    for each in assigned:
        found = restrictions_of(each.guardrail)
        if each.key_id:
            of_key[each.key_id] = found
        elif each.user_id:
            of_user[each.user_id] = found
    now = utc_now()

    def may_use(key: ApiKey) -> bool:
        own = restrictions.restrictions_of(key)
        guarded = [of_key.get(key.pk), of_user.get(key.created_by_id or 0)]
        return (
            KeyStatus(key, now).state == "active"
            and (own is None or own.allows_model(model.id))
            and all(each is None or each.allows_model(model.id) for each in guarded)
        )

    usable = [key for key in keys if may_use(key)]
    return UsableKeys(usable[:MOST], max(0, len(usable) - MOST), bool(keys))
