"""Settings that production refuses to start with. Each test reads the real settings in a process of its own."""

import subprocess
import sys

import pytest

from scripts.environment import ROOT, production_settings, variables

KEY = {"COINBASE_API_KEY_ID": "id", "COINBASE_API_KEY_SECRET": "secret"}


USDC = (
    "settings.COINBASE_IS_SANDBOX, settings.COINBASE_API_BASE, settings.CHECKOUT_ORIGINS, "
    "settings.COINBASE_WEBHOOK_SECRETS"
)


def start(show: str = USDC, **settings: str) -> str:
    """How the site ends that is started with these settings: what it complains about, or what it shows."""
    program = f"from django.conf import settings; print({show})"
    env = variables(settings=False) | production_settings() | settings
    env["DJANGO_SETTINGS_MODULE"] = "openrouter_site.settings"
    ended = subprocess.run([sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True)
    return ended.stdout + ended.stderr


def test_usdc_may_be_left_out_and_is_then_not_simulated():
    told = start()
    assert "ImproperlyConfigured" not in told
    assert told.startswith("False https://business.coinbase.com/api/v1 ['https://checkout.stripe.com'] []")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (KEY, "COINBASE_WEBHOOK_SECRET is missing: anyone could forge a payment"),
        ({"COINBASE_API_KEY_ID": "id"}, "belong together"),
        ({"COINBASE_API_KEY_SECRET": "secret"}, "belong together"),
    ],
)
def test_usdc_needs_a_whole_key_and_a_secret_for_its_webhooks(settings, fault):
    assert fault in start(**settings)


@pytest.mark.parametrize(("mode", "path"), [("false", ""), ("true", "/sandbox")])
def test_with_both_it_goes_to_the_provider(mode, path):
    told = start(**KEY, COINBASE_WEBHOOK_SECRET="new, old", COINBASE_TEST_MODE=mode)
    assert told.startswith(f"False https://business.coinbase.com{path}/api/v1 ")
    assert "'https://*.coinbase.com'" in told and "['new', 'old']" in told


def test_beside_real_cards_usdc_is_not_simulated_in_development_either():
    settings = {"DEBUG": "true", "STRIPE_SECRET_KEY": "sk_test_mine"}
    assert start(**settings).startswith("False https://business.coinbase.com")
    assert start(**settings | {"STRIPE_SECRET_KEY": ""}).startswith("True http://127.0.0.1:8021/api/v1")


@pytest.mark.parametrize(
    ("settings", "verification"),
    [
        ({"DEBUG": "true", "EMAIL_HOST": ""}, "optional"),  # the trial on one's own machine
        ({"DEBUG": "true", "EMAIL_HOST": "mail.example.com"}, "mandatory"),
        ({}, "mandatory"),
        ({"EMAIL_VERIFICATION": "optional"}, "optional"),
        ({"EMAIL_VERIFICATION": "none"}, "EMAIL_VERIFICATION must be one of mandatory, optional"),
    ],
)
def test_addresses_are_verified_first_wherever_mail_can_reach_people(settings, verification):
    assert verification in start(**settings, show="settings.ACCOUNT_EMAIL_VERIFICATION")


@pytest.mark.parametrize(
    ("settings", "required"),
    [({}, "True"), ({"ADMIN_REQUIRES_SECOND_FACTOR": "false"}, "False"), ({"DEBUG": "true"}, "False")],
)
def test_production_asks_operators_for_a_second_factor(settings, required):
    assert start(**settings, show="settings.ADMIN_REQUIRES_SECOND_FACTOR").strip() == required


def test_a_network_that_trusts_everyone_is_refused():
    assert "would trust every sender" in start(TRUSTED_PROXIES="0.0.0.0/0")


def test_a_short_encryption_key_is_refused_even_beside_a_long_one():
    long = "k" * 40
    assert "ENCRYPTION_KEY has a key of fewer than 32 characters" in start(ENCRYPTION_KEY=f"{long}, too-short")
    assert "ENCRYPTION_KEY" not in start(ENCRYPTION_KEY=f"{long}, {long}")
