"""Settings from `.env`, and the processes that they start."""

import pytest

from scripts.environment import DEFAULTS, production_settings, read_env_file, variables
from scripts.progress import Stop
from scripts.serve import processes


def test_an_env_file_may_quote_export_and_comment(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# heading\n\nA=1\nexport B = 'two words # kept'\nC=three # left out\nD=\nE=\"a=b\"\n")
    assert read_env_file(file) == {"A": "1", "B": "two words # kept", "C": "three", "D": "", "E": "a=b"}


def test_a_missing_env_file_sets_nothing(tmp_path):
    assert read_env_file(tmp_path / ".env") == {}


def test_an_invalid_line_is_reported_with_its_number(tmp_path):
    file = tmp_path / ".env"
    file.write_text("A=1\nset B to 2\n")
    with pytest.raises(Stop, match="line 2"):
        read_env_file(file)


def test_variables_of_the_shell_win_over_defaults(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.delenv("WEB_HOST", raising=False)
    env = variables(settings=False)
    assert (env["PORT"], env["WEB_HOST"]) == ("8123", "127.0.0.1")


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
