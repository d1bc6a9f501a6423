"""Settings from `.env`, and the processes that they start."""

import pytest

from scripts.environment import DEFAULTS, production_settings, variables
from scripts.progress import Stop
from scripts.serve import processes


def test_variables_of_the_shell_win_over_defaults(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.delenv("WEB_HOST", raising=False)
    env = variables(settings=False)
    assert (env["PORT"], env["WEB_HOST"]) == ("8123", "127.0.0.1")


def test_the_processes_of_the_site_get_the_file_and_those_of_tests_are_told_to_ignore_it(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("SITE_NAME=Relay\nPORT=8123\n")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "mine"))
    monkeypatch.delenv("PORT", raising=False)
    assert {"SITE_NAME": "Relay", "PORT": "8123"}.items() <= variables().items()
    for_tests = variables(settings=False)
    assert (for_tests["ENV_FILE"], for_tests["PORT"]) == ("", "8000") and "SITE_NAME" not in for_tests


def test_a_malformed_file_is_reported_without_a_traceback(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("set PORT to 1\n")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "mine"))
    with pytest.raises(Stop, match="mine, line 1"):
        variables()


def test_processes_share_compiled_modules(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in variables(settings=False)


def test_without_keys_every_sandbox_runs():
    assert processes(dict(DEFAULTS)) == {
        "web": "PORT",
        "worker": "",
        "providers": "SANDBOX_PROVIDERS_PORT",
        "stripe": "SANDBOX_STRIPE_PORT",
        "coinbase": "SANDBOX_COINBASE_PORT",
    }


@pytest.mark.parametrize("given", [{"STRIPE_SECRET_KEY": "sk_test_x"}, {"STRIPE_SECRET_KEY_FILE": "somewhere"}])
def test_a_stripe_key_turns_off_both_payment_sandboxes(given):
    assert list(processes(DEFAULTS | given)) == ["web", "worker", "providers"]


def test_a_coinbase_key_turns_off_the_crypto_sandbox():
    assert list(processes(DEFAULTS | {"COINBASE_API_KEY_ID": "x"})) == ["web", "worker", "providers", "stripe"]


@pytest.mark.parametrize("given", [{"SANDBOX_PROVIDERS_URL": ""}, {"DEBUG": "false"}])
def test_the_providers_sandbox_can_be_turned_off(given):
    assert list(processes(DEFAULTS | given)) == ["web", "worker", "stripe", "coinbase"]


def test_production_settings_start_no_sandbox():
    assert processes(DEFAULTS | production_settings()).keys() == {"web", "worker"}
