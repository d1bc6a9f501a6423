"""People, keys and balances of LiteLLM and new-api are taken over once, and nothing can do more than before."""

import csv
import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from accounts.models import Membership, Organisation, User
from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry
from common.errors import NotAuthenticated
from common.money import PICO_PER_USD
from keys.authentication import authenticate_sync
from keys.models import ApiKey
from models_catalog.models import Author, Model
from tests.gateway.test_crash import POSTGRESQL
from tests.support import databases

pytestmark = pytest.mark.django_db

SECRET = "sk-aB3dEf-hIjKlMnOpQrSt_v"  # of LiteLLM's form
TEAM_SECRET = "sk-1234567890abcdefgHIJKL"
LITELLM = {
    "LiteLLM_UserTable": [
        {"user_id": "u1", "user_email": "Ada@example.com", "user_alias": "Ada", "max_budget": 20.5, "spend": 0.25,
         "budget_duration": None, "models": []},
        {"user_id": "u2", "user_email": "ben@example.com", "user_alias": None, "max_budget": 10.0, "spend": 3.0,
         "budget_duration": "30d", "models": ["claude-haiku"]},
        {"user_id": "default_user_id", "user_email": None, "user_alias": None, "max_budget": None, "spend": 0.0,
         "budget_duration": None, "models": []},
    ],
    "LiteLLM_TeamTable": [
        {"team_id": "t1", "team_alias": "Research", "max_budget": 100.0, "spend": 1.0, "budget_duration": None,
         "models": ["openai/gpt"], "blocked": False,
         "members_with_roles": [{"role": "admin", "user_id": "u1"}, {"role": "user", "user_id": "u2"}]},
        {"team_id": "t2", "team_alias": "Empty", "max_budget": None, "spend": 0.0, "budget_duration": None,
         "models": [], "blocked": False, "members_with_roles": []},
    ],
    "LiteLLM_BudgetTable": [
        {"budget_id": "b1", "max_budget": 7.0, "budget_duration": "7d", "rpm_limit": 60, "tpm_limit": None,
         "max_parallel_requests": 3},
    ],
    "LiteLLM_VerificationToken": [
        {"token": sha256(SECRET.encode()).hexdigest(), "key_name": "sk-...St_v", "key_alias": "laptop", "spend": 1.5,
         "max_budget": 4.0, "user_id": "u1", "models": ["all-proxy-models"], "tpm_limit": 9000000000},
        {"token": sha256(TEAM_SECRET.encode()).hexdigest(), "key_name": "sk-...IJKL", "key_alias": "team",
         "spend": 0.0, "user_id": "u2", "team_id": "t1", "models": ["all-team-models"], "budget_id": "b1",
         "blocked": True},
        {"token": "1" * 64, "key_alias": "by user's models", "user_id": "u2", "models": []},
        {"token": "2" * 64, "key_alias": "unknown model", "user_id": "u1", "models": ["gpt-6-internal"]},
        {"token": "3" * 64, "key_alias": "by quarter", "user_id": "u1", "models": [], "max_budget": 5.0,
         "budget_duration": "90d"},
        {"token": "4" * 64, "key_alias": "old", "user_id": "u1", "models": [], "expires": "2024-01-01T00:00:00"},
        {"token": "5" * 64, "key_alias": "admin", "user_id": "u1", "models": [],
         "allowed_routes": ["management_routes"]},
        {"token": "6" * 64, "key_alias": "master", "user_id": "default_user_id", "models": []},
        {"token": "7" * 64, "key_alias": "lost", "team_id": "t2", "models": []},
    ],
}  # fmt: skip
COLUMNS = {table: list(dict.fromkeys(name for row in rows for name in row)) for table, rows in LITELLM.items()}


@pytest.fixture(autouse=True)
def models(db) -> None:
    for author, name in (("openai", "gpt"), ("anthropic", "claude-haiku")):
        Author.objects.create(slug=author, name=author)
        Model.objects.create(
            pk=f"{author}/{name}", canonical_slug=name, author_id=author, name=name, created=0, context_length=1000
        )


def in_sqlite(path: Path, tables: dict[str, list[dict]]) -> str:
    with closing(sqlite3.connect(path)) as database, database:
        for table, rows in tables.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            database.execute(f'CREATE TABLE "{table}" ({", ".join(f"`{name}`" for name in names)})')
            for row in rows:
                cells = [json.dumps(each) if isinstance(each, list) else each for each in map(row.get, names)]
                database.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(names))})', cells)
    return str(path)


def in_csv(folder: Path) -> str:
    """As `\\copy (SELECT ...) TO ... CSV HEADER` writes it."""

    def cell(name: str, value: object) -> object:
        if name == "members_with_roles":
            return json.dumps(value)
        if isinstance(value, list):
            return "{" + ",".join(value) + "}"
        return {True: "t", False: "f"}.get(value, value) if isinstance(value, bool) else value

    for table, rows in LITELLM.items():
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[table])
            writer.writeheader()
            writer.writerows({name: cell(name, value) for name, value in row.items()} for row in rows)
    return str(folder)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("import_accounts", *arguments, stdout=output)
    return output.getvalue()


def refused(output: str) -> set[str]:
    return {" ".join(line.split()[1:]) for line in output.splitlines() if line.startswith("refused  ")}


@pytest.mark.parametrize("form", ["sqlite", "csv"])
def test_litellm_moves_with_keys_that_go_on_working(tmp_path, form):
    source = in_csv(tmp_path) if form == "csv" else in_sqlite(tmp_path / "litellm.db", LITELLM)
    looked = run("litellm", source)
    assert "Nothing was written" in looked and "create   user     ada@example.com" in looked
    assert not User.objects.exists() and not ApiKey.objects.exists() and not CreditAccount.objects.exists()

    done = run("litellm", source, "--apply")
    assert looked.splitlines()[:-1] == done.splitlines()[:-1]
    assert refused(done) == {
        "user default_user_id has no email address",
        "balance of user u2 its budget starts again every period; grant credits instead",
        "team Empty has no admin with an email address",
        "key unknown model model gpt-6-internal is not in the catalog",
        "key by quarter its budget starts again every 90d; limits here do so daily, weekly or monthly",
        "key old it has expired",
        "key admin it is restricted to routes",
        "key master it has no user with an email address",
        "key lost its team is not imported",
    }
    team = Organisation.objects.get(name="Research")
    roles = {each.user.email: each.role for each in team.memberships.all()}
    assert roles == {"ada@example.com": Membership.Role.ADMIN, "ben@example.com": Membership.Role.MEMBER}
    balances = {entry.reference: entry.amount / PICO_PER_USD for entry in LedgerEntry.objects.all()}
    assert balances == {"import:litellm:user:u1": 20.25, "import:litellm:team:t1": 99}

    identity = authenticate_sync(f"Bearer {SECRET}")
    laptop = ApiKey.objects.get(pk=identity.key_id)
    assert (laptop.name, laptop.label, laptop.limit) == ("laptop", "sk-...St_v", 2.5 * PICO_PER_USD)
    assert laptop.organisation == User.objects.get(email="ada@example.com").personal_organisation
    of_team = ApiKey.objects.get(name="team")
    assert (of_team.organisation, of_team.disabled, of_team.allowed_models) == (team, True, ["openai/gpt"])
    assert (of_team.limit, of_team.limit_reset) == (7 * PICO_PER_USD, "weekly")
    assert (of_team.requests_per_minute, of_team.max_concurrent_requests) == (60, 3)
    assert ApiKey.objects.get(name="by user's models").allowed_models == ["anthropic/claude-haiku"]
    with pytest.raises(NotAuthenticated, match="disabled"):
        authenticate_sync(f"Bearer {TEAM_SECRET}")

    again = run("litellm", source, "--apply")
    assert "create" not in again
    assert (ApiKey.objects.count(), LedgerEntry.objects.count(), Organisation.objects.count()) == (3, 2, 3)
    assert reconciliation.faults() == []


NEW_API = {
    "users": [
        {"id": 1, "username": "root", "password": "$2a$10$x", "display_name": "Root User", "role": 100, "status": 1,
         "email": "", "quota": 100000000, "used_quota": 0, "group": "default", "deleted_at": None},
        {"id": 2, "username": "ada", "password": "$2a$10$x", "display_name": "Ada", "role": 1, "status": 1,
         "email": "ada@example.com", "quota": 1234567, "used_quota": 99, "group": "vip", "deleted_at": None},
        {"id": 3, "username": "ben", "password": "$2a$10$x", "display_name": "Ben", "role": 1, "status": 2,
         "email": "ben@example.com", "quota": -5, "used_quota": 5, "group": "default", "deleted_at": None},
        {"id": 4, "username": "gone", "password": "", "display_name": "", "role": 1, "status": 1,
         "email": "gone@example.com", "quota": 5, "used_quota": 5, "group": "", "deleted_at": "2025-01-01 00:00:00"},
    ],
    "tokens": [
        {"id": 1, "user_id": 2, "key": "k" * 48, "status": 1, "name": "ide", "expired_time": -1,
         "remain_quota": 500000, "unlimited_quota": 0, "model_limits_enabled": 1, "model_limits": "gpt,claude-haiku",
         "allow_ips": "203.0.113.7\n10.0.0.0/8", "used_quota": 1, "deleted_at": None},
        {"id": 2, "user_id": 3, "key": "b" * 48, "status": 1, "name": "bens", "expired_time": 4102444800,
         "remain_quota": 0, "unlimited_quota": 1, "model_limits_enabled": 0, "model_limits": "", "allow_ips": None,
         "used_quota": 1, "deleted_at": None},
        {"id": 3, "user_id": 2, "key": "m" * 48, "status": 1, "name": "image", "expired_time": -1, "remain_quota": 0,
         "unlimited_quota": 1, "model_limits_enabled": 1, "model_limits": "mj_imagine", "allow_ips": "",
         "used_quota": 1, "deleted_at": None},
        {"id": 4, "user_id": 1, "key": "r" * 48, "status": 1, "name": "roots", "expired_time": -1, "remain_quota": 0,
         "unlimited_quota": 1, "model_limits_enabled": 0, "model_limits": "", "allow_ips": "", "used_quota": 1,
         "deleted_at": None},
    ],
    "options": [{"key": "QuotaPerUnit", "value": "500000"}],
}  # fmt: skip


def test_new_api_moves_with_balances_limits_and_keys(tmp_path):
    source = in_sqlite(tmp_path / "one-api.db", NEW_API)
    done = run("new-api", source, "--apply")
    assert refused(done) == {
        "user root has no email address",
        "balance of user ben is negative; it starts at 0",
        "key image model mj_imagine is not in the catalog",
        "key roots its user is not imported",
    }
    assert set(User.objects.values_list("email", "is_active")) == {
        ("ada@example.com", True),
        ("ben@example.com", False),
    }
    assert LedgerEntry.objects.get().amount == 1234567 * PICO_PER_USD // 500000
    key = ApiKey.objects.get(pk=authenticate_sync(f"Bearer sk-{'k' * 48}", address="10.1.2.3").key_id)
    assert (key.limit, key.allowed_ips) == (PICO_PER_USD, ["203.0.113.7/32", "10.0.0.0/8"])
    assert key.allowed_models == ["openai/gpt", "anthropic/claude-haiku"]
    bens = ApiKey.objects.get(name="bens")
    assert (bens.disabled, bens.limit, bens.expires_at.year) == (True, None, 2100)
    assert "create" not in run("new-api", source, "--apply")


def test_unknown_keys_of_other_sites_are_refused_as_before():
    with pytest.raises(NotAuthenticated, match="Keys start with sk-or-v1-"):
        authenticate_sync("Bearer sk-proj-" + "x" * 40)


def test_a_source_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("no database")
    for source in (str(tmp_path / "missing"), str(tmp_path / "file"), str(tmp_path)):
        with pytest.raises(CommandError):
            run("litellm", source)


@pytest.mark.postgresql
@pytest.mark.skipif(not POSTGRESQL, reason="needs PostgreSQL")
def test_tables_of_postgresql_are_read_with_their_types():
    name = "imported_litellm"
    source = f"{POSTGRESQL.rpartition('/')[0]}/{name}"
    databases.drop(POSTGRESQL, name)
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
    try:
        with psycopg.connect(source) as database:
            database.execute(
                'CREATE TABLE "LiteLLM_UserTable" (user_id text, user_email text, user_alias text, '
                "max_budget double precision, spend double precision, budget_duration text, models text[])"
            )
            database.execute(
                "INSERT INTO \"LiteLLM_UserTable\" VALUES ('u', 'a@example.com', NULL, 0.3, 0.1, NULL, '{}')"
            )
            database.execute(
                'CREATE TABLE "LiteLLM_VerificationToken" (token text, key_name text, user_id text, models text[], '
                "expires timestamp, model_max_budget jsonb)"
            )
            database.execute(
                'INSERT INTO "LiteLLM_VerificationToken" '
                "VALUES (%s, 'sk-...St_v', 'u', '{openai/gpt}', '2100-01-01', '{}')",
                [sha256(SECRET.encode()).hexdigest()],
            )
        run("litellm", source, "--apply")
    finally:
        databases.drop(POSTGRESQL, name)
    assert LedgerEntry.objects.get().amount == PICO_PER_USD // 5
    assert ApiKey.objects.get().allowed_models == ["openai/gpt"]
