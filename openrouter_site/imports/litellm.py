"""LiteLLM's tables: users, teams and virtual keys, whose SHA-256 it stores as this site does."""

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from common.clock import utc_now
from common.money import PicoUsd, pico_from_usd
from keys.models import ApiKey

from .plan import Credit, Key, ModelNames, Person, Plan, Team
from .tables import Row, Tables, Unreadable, address, flag, json_of, moment, number, text, texts

__all__ = ["plan"]

USERS, TEAMS, KEYS = "LiteLLM_UserTable", "LiteLLM_TeamTable", "LiteLLM_VerificationToken"
BUDGETS = "LiteLLM_BudgetTable"
#: Names that stand for every model, and for those of the key's team.
EVERY_MODEL, MODELS_OF_TEAM = {"all-proxy-models", "*"}, "all-team-models"
#: The group of routes that every key has here.
INFERENCE_ROUTES = {"llm_api_routes"}
#: Budget periods with the reset of a limit that is the same.
RESETS = {
    "24h": ApiKey.Reset.DAILY, "1d": ApiKey.Reset.DAILY, "7d": ApiKey.Reset.WEEKLY, "1w": ApiKey.Reset.WEEKLY,
    "30d": ApiKey.Reset.MONTHLY, "1mo": ApiKey.Reset.MONTHLY,
}  # fmt: skip
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST = 2**31 - 1


def plan(tables: Tables) -> Plan:
    """Return what is to be created. Raises Unreadable if there are no users and no keys."""
    users, keys = tables(USERS), tables(KEYS)
    if not users and not keys:
        raise Unreadable(f"There are no rows of {USERS} and {KEYS}.")
    made = Plan("LiteLLM")
    emails = _people(made, users)
    teams = _teams(made, tables(TEAMS), emails)
    others = _Others(
        emails=emails,
        users={text(row["user_id"]): row for row in users},
        teams=teams,
        budgets={text(row["budget_id"]): row for row in tables(BUDGETS)},
        names=ModelNames(),
    )
    for row in keys:
        title = f"key {text(row.get('key_alias')) or text(row.get('key_name')) or text(row['token'])[:12]}"
        try:
            made.keys.append(_key(row, others))
        except (ValueError, Unreadable) as error:
            made.refused.append((title, str(error)))
    return made


@dataclass(frozen=True, slots=True)
class _Others:
    """The rows that keys refer to, by ID: users and their addresses, imported teams, shared budgets."""

    emails: dict[str, str]
    users: dict[str, Row]
    teams: dict[str, Row]
    budgets: dict[str, Row]
    names: ModelNames


def _people(made: Plan, rows: list[Row]) -> dict[str, str]:
    """Plan the users; return the address of each by its ID."""
    emails: dict[str, str] = {}
    for row in rows:
        user, email = text(row["user_id"]), address(row.get("user_email"))
        if not email:
            made.refused.append((f"user {user}", "has no email address"))
            continue
        if email not in emails.values():
            made.people.append(Person(email, text(row.get("user_alias"))[:100]))
        emails[user] = email
        _open(made, row, email, f"user {user}", f"litellm:user:{user}")
    return emails


def _teams(made: Plan, rows: list[Row], emails: dict[str, str]) -> dict[str, Row]:
    """Plan the teams; return the rows of those that are imported, by ID."""
    found = {}
    for row in rows:
        team = text(row["team_id"])
        name = text(row.get("team_alias")) or team
        admins, members = (_members(row, role, emails) for role in ("admin", "user"))
        if not admins:
            made.refused.append((f"team {name}", "has no admin with an email address"))
            continue
        made.teams.append(Team(team, name[:100], admins, members))
        found[team] = row
        _open(made, row, team, f"team {name}", f"litellm:team:{team}")
    return found


def _members(team: Row, role: str, emails: dict[str, str]) -> tuple[str, ...]:
    listed = json_of(team.get("members_with_roles"))
    rows = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    users = [text(each.get("user_id")) for each in rows if each.get("role") == role]
    return tuple(emails[user] for user in users if user in emails)


def _open(made: Plan, row: Row, owner: str, title: str, reference: str) -> None:
    """Plan the opening balance: the rest of a budget. Credits are prepaid here, so a budget by period has none."""
    try:
        budget, spend = number(row.get("max_budget")), number(row.get("spend")) or Decimal(0)
    except Unreadable as error:
        made.refused.append((f"balance of {title}", str(error)))
        return
    if budget is None:
        return
    if text(row.get("budget_duration")):
        made.refused.append((f"balance of {title}", "its budget starts again every period; grant credits instead"))
    elif (rest := _pico(budget - spend)) > 0:
        made.credits.append(Credit(owner, rest, reference))


def _key(row: Row, others: _Others) -> Key:
    """Return a key. Raises ValueError or Unreadable with the reason if it would be able to do more than before."""
    user, team = text(row.get("user_id")), text(row.get("team_id"))
    if not _HASH.fullmatch(text(row["token"])):
        raise ValueError("its token is not a SHA-256")
    if team and team not in others.teams:
        raise ValueError("its team is not imported")
    if not team and user not in others.emails:
        raise ValueError("it has no user with an email address")
    if set(texts(row.get("allowed_routes"))) - INFERENCE_ROUTES:
        raise ValueError("it is restricted to routes")
    ends = moment(row.get("expires"))
    if ends is not None and ends <= utc_now():
        raise ValueError("it has expired")
    owner = others.teams[team] if team else others.users[user]
    return Key(
        hash=text(row["token"]),
        label=(text(row.get("key_name")) or "sk-...")[:32],
        name=(text(row.get("key_alias")) or text(row.get("key_name")) or "LiteLLM")[:100],
        owner=team or others.emails[user],
        creator=others.emails.get(user, ""),
        disabled=flag(row.get("blocked")) or flag(owner.get("blocked")),
        settings=_limits(row | _shared_budget(row, others.budgets))
        | {"expires_at": ends, "allowed_models": others.names.of(_models(row, owner))},
    )


def _models(key: Row, owner: Row) -> list[str]:
    """Return the models that a key may use: its own, or else those of its team or user; empty for all."""
    own = [name for name in texts(key.get("models")) if name != MODELS_OF_TEAM]
    names = own or texts(owner.get("models"))
    return [] if EVERY_MODEL & {*names} else names


def _shared_budget(row: Row, budgets: dict[str, Row]) -> Row:
    """Return the limits of the budget that the key refers to, where it has none of its own."""
    shared = budgets.get(text(row.get("budget_id")), {})
    columns = ("max_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests")
    return {each: shared.get(each) for each in columns if not text(row.get(each))}


def _limits(row: Row) -> dict[str, Any]:
    if json_of(row.get("model_max_budget")):
        raise ValueError("it has budgets by model")
    found: dict[str, Any] = {
        column: None if (most := number(row.get(theirs))) is None else min(int(most), _MOST)
        for column, theirs in (
            ("requests_per_minute", "rpm_limit"),
            ("tokens_per_minute", "tpm_limit"),
            ("max_concurrent_requests", "max_parallel_requests"),
        )
    }
    budget, period = number(row.get("max_budget")), text(row.get("budget_duration"))
    if budget is None:
        return found
    if period and period not in RESETS:
        raise ValueError(f"its budget starts again every {period}; limits here do so daily, weekly or monthly")
    if period:
        return found | {"limit": _pico(budget), "limit_reset": RESETS[period]}
    return found | {"limit": max(_pico(budget - (number(row.get("spend")) or 0)), 0)}


def _pico(usd: Decimal) -> PicoUsd:
    return pico_from_usd(usd.quantize(Decimal("1e-12"), ROUND_DOWN))
