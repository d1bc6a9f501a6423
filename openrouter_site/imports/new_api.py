"""new-api's tables: users with a balance in units of quota, and tokens, which it stores readably."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from common.clock import utc_now
from common.money import PICO_PER_USD, PicoUsd
from keys import authentication
from keys.rules import restrictions

from .plan import Credit, Key, ModelNames, Person, Plan
from .tables import Row, Tables, Unreadable, address, flag, number, text

__all__ = ["plan"]

#: Units of quota for a dollar, unless the option says otherwise.
UNITS_PER_USD = Decimal(500_000)
ENABLED = "1"
NEVER = -1


def plan(tables: Tables) -> Plan:
    """Return what is to be created. Raises Unreadable if there are no users."""
    users, names = tables("users"), ModelNames()
    if not users:
        raise Unreadable("There are no rows of users.")
    options = {text(row["key"]): text(row["value"]) for row in tables("options")}
    units = number(options.get("QuotaPerUnit")) or UNITS_PER_USD
    made = Plan("new-api")
    people = _people(made, users, units)
    for row in tables("tokens"):
        if text(row.get("deleted_at")):
            continue
        try:
            made.keys.append(_key(row, people, units, names))
        except (ValueError, Unreadable) as error:
            made.refused.append((f"key {text(row.get('name')) or text(row['id'])}", str(error)))
    return made


def _people(made: Plan, rows: list[Row], units: Decimal) -> dict[str, Person]:
    """Plan the users and their balances; return them by ID."""
    found: dict[str, Person] = {}
    for row in rows:
        user, email = text(row["id"]), address(row.get("email"))
        title = f"user {text(row.get('username')) or user}"
        if text(row.get("deleted_at")):
            continue
        if not email:
            made.refused.append((title, "has no email address"))
            continue
        person = Person(email, text(row.get("display_name"))[:100], active=text(row.get("status")) == ENABLED)
        if any(each.email == email for each in made.people):
            made.refused.append((title, f"has the address of another user, {email}"))
            continue
        made.people.append(person)
        found[user] = person
        try:
            balance = _pico(number(row.get("quota")) or Decimal(0), units)
        except Unreadable as error:
            made.refused.append((f"balance of {title}", str(error)))
            continue
        if balance > 0:
            made.credits.append(Credit(email, balance, f"new-api:user:{user}"))
        elif balance < 0:
            made.refused.append((f"balance of {title}", "is negative; it starts at 0"))
    return found


def _key(row: Row, people: dict[str, Person], units: Decimal, names: ModelNames) -> Key:
    """Return a key. Raises ValueError or Unreadable with the reason if it would be able to do more than before."""
    person = people.get(text(row.get("user_id")))
    if person is None:
        raise ValueError("its user is not imported")
    ends, settings = number(row.get("expired_time")), _limit(row, units)
    if ends is not None and ends != NEVER:
        settings["expires_at"] = datetime.fromtimestamp(int(ends), UTC)
        if settings["expires_at"] <= utc_now():
            raise ValueError("it has expired")
    if flag(row.get("model_limits_enabled")):
        settings["allowed_models"] = names.of(filter(None, map(text, text(row.get("model_limits")).split(","))))
        if not settings["allowed_models"]:
            raise ValueError("it allows no model")
    settings["allowed_ips"] = restrictions.networks(text(row.get("allow_ips")).replace(",", "\n").splitlines())
    secret = f"sk-{text(row['key'])}"
    if not authentication.is_key(secret):
        raise ValueError("its secret has a form that no key has here")
    return Key(
        hash=authentication.hash_of(secret),
        label=f"{secret[:6]}...{secret[-4:]}",
        name=(text(row.get("name")) or "new-api")[:100],
        owner=person.email,
        creator=person.email,
        disabled=text(row.get("status")) != ENABLED or not person.active,
        settings=settings,
    )


def _limit(row: Row, units: Decimal) -> dict[str, Any]:
    if flag(row.get("unlimited_quota")):
        return {}
    return {"limit": max(_pico(number(row.get("remain_quota")) or Decimal(0), units), 0)}


def _pico(quota: Decimal, units: Decimal) -> PicoUsd:
    return PicoUsd(int(quota * PICO_PER_USD / units))
