"""Settings that the site refuses to start with. Each test reads the real settings with variables of its own."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

import openrouter_site
from openrouter_site.env import SettingsError
from scripts.environment import ROOT, production_settings

Read = Callable[..., dict[str, Any]]

LONG = "Zq7#vR2!kM9-eW4x-Tb8_Lp3.Yc6+Hd5=Fg1~Js0^Ua2*Xi7%Qo4"
USDC = {"COINBASE_API_KEY_ID": "mine", "COINBASE_API_KEY_SECRET": "mine", "COINBASE_WEBHOOK_SECRET": "mine"}


@pytest.fixture
def read(monkeypatch, tmp_path) -> Read:
    """Read the settings with these variables added to a safe production's; returns the settings' values."""

    def read(**variables: str) -> dict[str, Any]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with monkeypatch.context() as patched:
            own = {"ENV_FILE": "", "DATA_DIR": str(tmp_path)}
            patched.setattr(os, "environ", os.environ.copy())
            os.environ.clear()
            os.environ.update(kept | own | production_settings() | variables)
            patched.setattr(openrouter_site, "settings", openrouter_site.settings)
            for name in [name for name in sys.modules if name.startswith("openrouter_site.settings")]:
                patched.delitem(sys.modules, name)  # to be read again; those of the other tests come back at the end
            return vars(importlib.import_module("openrouter_site.settings"))

    return read


@pytest.mark.parametrize(
    ("variables", "fault", "remedy"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing", "secrets.token_urlsafe(50)"),
        ({"SECRET_KEY": "development-only: every machine has this key"}, "SECRET_KEY is missing", "token_urlsafe"),
        ({"SECRET_KEY": LONG[:49]}, "SECRET_KEY can be guessed", "token_urlsafe"),
        ({"SECRET_KEY": "change-me-" * 6}, "SECRET_KEY can be guessed", "token_urlsafe"),
        ({"SECRET_KEY": f"django-insecure-{LONG}"}, "SECRET_KEY can be guessed", "token_urlsafe"),
        ({"SECRET_KEY_FALLBACKS": f"{LONG},short"}, "sessions could be forged", "ENCRYPTION_KEY"),
        (
            {"SECRET_KEY_FALLBACKS": "development-only: every machine has this key"},
            "sessions could be forged",
            "ENCRYPTION_KEY",
        ),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing", "postgres://"),
        ({"DATABASE_URL": "sqlite:///site.sqlite3"}, "DATABASE_URL names SQLite", "postgres://"),
        ({"EMAIL_HOST": ""}, "EMAIL_HOST is missing", "your mail server"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is missing", "gateway.example.com"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS contains *", ".example.com"),
        ({"ALLOWED_HOSTS": "gateway.example.com,*"}, "ALLOWED_HOSTS contains *", ".example.com"),
        ({"ALLOWED_HOSTS": "*.example.com"}, "ALLOWED_HOSTS contains *.example.com", ".example.com"),
        ({"ALLOWED_HOSTS": ".com"}, "ALLOWED_HOSTS contains .com", ".example.com"),
        ({"ALLOWED_HOSTS": "gateway.example.com,."}, "ALLOWED_HOSTS contains .", ".example.com"),
        ({"ALLOWED_HOSTS": "other.example.com"}, "ALLOWED_HOSTS lacks gateway.example.com", "SITE_URL"),
        ({"SITE_URL": "http://gateway.example.com"}, "SITE_URL must be", "https://"),
        ({"SITE_URL": "https://"}, "SITE_URL must be", "https://"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY is missing", "Stripe's dashboard"),
        ({"STRIPE_SECRET_KEY": "sk_test_mine"}, "is a test key", "STRIPE_TEST_MODE=true"),
        ({"STRIPE_SECRET_KEY": "rk_test_mine"}, "is a test key", "STRIPE_TEST_MODE=true"),
        ({"STRIPE_SECRET_KEY": "pk_live_mine"}, "must be a secret or restricted key", "sk_"),
        ({"STRIPE_TEST_MODE": "true"}, "is a live key", "Remove STRIPE_TEST_MODE"),
        (
            {"STRIPE_SECRET_KEY": "sk_test_local_sandbox", "STRIPE_TEST_MODE": "true"},
            "the sandbox's: purchases would be simulated",
            "Stripe's dashboard",
        ),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET is missing", "Stripe's dashboard"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_mine,whsec_local_sandbox"}, "contains the sandbox's", "the real one"),
        (USDC | {"COINBASE_WEBHOOK_SECRET": "local_sandbox"}, "contains the sandbox's", "the real one"),
        (
            USDC | {"COINBASE_API_KEY_ID": "organizations/sandbox/apiKeys/development"},
            "COINBASE_API_KEY_ID is the sandbox's",
            "the key of your account",
        ),
        (USDC | {"COINBASE_API_KEY_SECRET": ""}, "belong together", "Set both or neither"),
        ({"GITHUB_CLIENT_ID": "id"}, "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together", "Set both"),
        ({"GITHUB_URL": "github.example.com"}, "GITHUB_URL must be", "https://github.example.com"),
        (
            {"SANDBOX_PROVIDERS_URL": "http://127.0.0.1:8010", "WEB_SEARCH_ENGINE": "off"},
            "SANDBOX_PROVIDERS_URL is set",
            "Remove it",
        ),
        ({"WEB_SEARCH_ENGINE": "sandbox"}, "simulated results", "Set EXA_API_KEY"),
        ({"WEB_SEARCH_ENGINE": "exa"}, "EXA_API_KEY is missing", "to off"),
        ({"WEB_CONCURRENCY": "2", "REDIS_URL": ""}, "WEB_CONCURRENCY is above 1", "Set REDIS_URL"),
        ({"DEBUG": "true", "WEB_CONCURRENCY": "2", "REDIS_URL": ""}, "WEB_CONCURRENCY is above 1", "Set REDIS_URL"),
        ({"WEB_CONCURRENCY": "many"}, "WEB_CONCURRENCY must be a whole number", "not 'many'"),
    ],
)
def test_it_is_refused_with_a_remedy(read, variables, fault, remedy):
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    lines = str(refused.value).splitlines()
    assert any(fault in line and remedy in line for line in lines), refused.value
    assert len(lines) <= 2, "only this fault is named"


def test_all_faults_are_named_together(read):
    nothing = dict.fromkeys(production_settings(), "") | {"DEBUG": "false", "WEB_CONCURRENCY": "4"}
    with pytest.raises(SettingsError) as refused:
        read(**nothing)
    for name in (
        "SECRET_KEY", "DATABASE_URL", "EMAIL_HOST", "ALLOWED_HOSTS", "SITE_URL", "STRIPE_SECRET_KEY", "WEB_CONCURRENCY",
    ):  # fmt: skip
        assert name in str(refused.value)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ALLOWED_HOSTS": ".example.com"},
        {"ALLOWED_HOSTS": "gateway.example.com,10.0.0.5,localhost"},
        {"SITE_URL": "https://gateway.example.com:8443"},
        {"SECRET_KEY": "0123456789abcdef" * 4},
        {"STRIPE_SECRET_KEY": "rk_live_mine"},
        USDC,
        {"WEB_SEARCH_ENGINE": "exa", "EXA_API_KEY": "mine"},
        {"WEB_CONCURRENCY": "4"},
    ],
)
def test_safe_settings_start(read, variables):
    assert read(**variables)["DEBUG"] is False


@pytest.mark.parametrize("variables", [{}, USDC | {"COINBASE_TEST_MODE": "false"}])
def test_live_payments_are_no_tests(read, variables):
    assert read(**variables)["PAYMENTS_ARE_TESTS"] is False


@pytest.mark.parametrize(
    "variables",
    [{"STRIPE_SECRET_KEY": "sk_test_mine", "STRIPE_TEST_MODE": "true"}, USDC | {"COINBASE_TEST_MODE": "true"}],
)
def test_a_site_may_choose_test_payments_and_then_says_so(read, variables):
    assert read(**variables)["PAYMENTS_ARE_TESTS"] is True


def test_hsts_binds_this_host_only_unless_the_operator_says_more(read):
    settings = read()
    assert settings["SECURE_HSTS_SECONDS"] == 31_536_000
    assert (settings["SECURE_HSTS_INCLUDE_SUBDOMAINS"], settings["SECURE_HSTS_PRELOAD"]) == (False, False)
    more = read(SECURE_HSTS_INCLUDE_SUBDOMAINS="true", SECURE_HSTS_PRELOAD="true")
    assert (more["SECURE_HSTS_INCLUDE_SUBDOMAINS"], more["SECURE_HSTS_PRELOAD"]) == (True, True)


def test_the_data_folder_does_not_depend_on_where_a_command_is_started(read, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert read(DATA_DIR="var/elsewhere")["DATA_DIR"] == ROOT / "var/elsewhere"
    (ROOT / "var/elsewhere").rmdir()
    assert read(DATA_DIR="")["DATA_DIR"] == ROOT / "var"


def test_beats_schedule_is_a_file_of_the_data_folder(read, tmp_path):
    assert read()["CELERY_BEAT_SCHEDULE_FILENAME"] == str(tmp_path / "beat-schedule")
