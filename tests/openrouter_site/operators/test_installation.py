"""The admin's start page says what is configured, simulated, missing and failing, with the remedy for each."""

import socket
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from accounts.models import User
from billing.models import CreditAccount, Notice, ProviderEvent, ReconciliationRun
from common.clock import utc_now
from gateway.models import EndpointMinute, GatewayProcess, Hold
from gateway.routing import upstreams
from models_catalog import catalog
from models_catalog.models import Provider, ProviderKey
from openrouter_site.operators import installation
from openrouter_site.operators.installation import FAILING, MISSING, OK, SIMULATED, UNKNOWN, Check
from operations.models import FailingTask, Heartbeat
from scripts.serve import free_port
from tests.conftest import signed_in
from tests.gateway import factory
from tests.operations.heartbeats import beat_hearts

pytestmark = pytest.mark.django_db

SANDBOX = "http://127.0.0.1:8010"


@pytest.fixture(autouse=True)
def embedded(settings):
    """The embedded default, with one model."""
    settings.SANDBOX_PROVIDERS_URL, settings.REDIS_URL, settings.EMAIL_HOST = SANDBOX, "", ""
    settings.WEB_CONCURRENCY = 1
    factory.endpoint(factory.model("acme/one"), "cheap", factory.CHEAP)
    Provider.objects.update(base_url="https://cheap.example/v1")
    changed()
    yield
    upstreams.clear()


def changed() -> None:
    catalog.touch()
    upstreams.clear()


def part(name: str) -> Check:
    """The part of this name."""
    (found,) = [check for check in installation.checks() if check.name == name]
    return found


def names() -> list[str]:
    return [check.name for check in installation.checks()]


def add_key(secret: str = "sk-of-cheap-0001", **fields) -> ProviderKey:
    row = ProviderKey(provider_id="cheap", **fields)
    row.set_secret(secret)
    row.save()
    changed()
    return row


def test_nothing_fails_in_the_embedded_default_and_what_is_simulated_is_called_so():
    states = {check.name: check.state for check in installation.checks()}
    assert states == {
        "Database": OK, "Redis": OK, "Web processes": UNKNOWN, "Worker": UNKNOWN, "Periodic tasks": OK,
        "Catalog": OK, "Providers": SIMULATED,
        "Card payments": SIMULATED, "USDC payments": SIMULATED, "Webhooks": UNKNOWN, "Ledger": UNKNOWN,
        "Email": SIMULATED,
    }  # fmt: skip
    assert all(check.remedy for check in installation.checks() if check.state in {SIMULATED, MISSING, FAILING})


def test_a_pending_migration_is_failing():
    MigrationRecorder.Migration.objects.filter(app="gateway", name="0002_partitions").delete()
    assert (part("Database").state, part("Database").remedy) == (FAILING, "Run: python manage.py migrate")


def test_redis_is_missing_with_several_processes_and_failing_when_it_does_not_answer(settings):
    settings.WEB_CONCURRENCY = 2
    assert part("Redis").state == MISSING
    settings.REDIS_URL = f"redis://:a-secret-password@127.0.0.1:{free_port()}/0"
    redis = part("Redis")
    assert redis.state == FAILING and "a-secret-password" not in str(redis)


def test_providers_are_simulated_missing_or_named_with_their_models(settings):
    assert part("Providers").detail == "A sandbox answers for all 1 models."
    settings.SANDBOX_PROVIDERS_URL = ""
    changed()
    assert (part("Catalog").state, part("Catalog").detail) == (OK, "1 model, of which 0 can answer here.")
    assert part("Providers").state == MISSING and "Enter a provider's key" in part("Providers").remedy
    add_key()
    assert (part("Providers").state, part("Providers").detail) == (OK, "With the number of their models: Cheap (1).")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"last_status": 401}, "Cheap rejects it."),
        ({"last_status": 402}, "Its account at Cheap has no credits."),
        ({"last_status": 429}, ""),
        ({"last_status": 401, "enabled": False}, ""),
    ],
)
def test_a_key_that_its_provider_refuses_is_failing(fields, said):
    key = add_key(last_refused_at=utc_now() - timedelta(minutes=3), **fields)
    name = f"Key {key}"
    assert part(name).detail == said if said else name not in names()


def test_a_key_that_cannot_be_decrypted_is_failing(settings):
    settings.ENCRYPTION_KEYS = ["an encryption key that will be lost"]
    key = add_key()
    settings.ENCRYPTION_KEYS = []
    assert part(f"Key {key}").detail == "It can't be decrypted."


@pytest.mark.parametrize(("ok", "errors", "failing"), [(1, 9, True), (9, 1, False), (0, 4, False)])
def test_a_provider_whose_requests_fail_is_failing(ok, errors, failing):
    EndpointMinute.objects.create(
        process_id="p", model="acme/one", tag="cheap/turbo", minute=utc_now(), ok=ok, errors=errors
    )
    assert ("Provider cheap" in names()) is failing
    if failing:
        assert part("Provider cheap").detail == "9 of 10 requests failed in the last half hour."


def test_an_empty_catalog_is_missing():
    Provider.objects.update(enabled=False)
    changed()
    assert part("Catalog").state == MISSING and "load_catalogue" in part("Catalog").remedy


def test_overdue_work_shows_that_the_worker_is_not_running(account: CreditAccount, alice: User):
    late = utc_now() - timedelta(minutes=10)
    Notice.objects.create(account=account, user=alice, subject="s", body="b", due_at=late)
    ProviderEvent.objects.create(provider="stripe", event_id="e", type="t", object_id="o", received_at=late)
    GatewayProcess.objects.create(id="alive", seen_at=utc_now())
    for number, process in enumerate(("alive", "dead")):
        Hold.objects.create(
            id=f"gen-{number}", account=account, source="api", requested_model="m", created_at=late, amount=0,
            process_id=process,
        )  # fmt: skip
    beat_hearts()
    worker = part("Worker")
    assert worker.detail == "Work is overdue: 1 email, 1 webhook event, 1 abandoned hold."
    assert worker.state == FAILING and "celery" in worker.remedy
    assert part("Web processes").detail == "1 process serving requests."


def test_a_queue_without_a_worker_is_failing_with_the_command_that_starts_one():
    beat_hearts()
    assert (part("Worker").state, part("Worker").detail) == (OK, "Every queue has one. No work is overdue.")
    Heartbeat.objects.filter(name__in=["mail", "usage"]).update(seen_at=utc_now() - timedelta(minutes=3))
    assert (part("Worker").state, part("Worker").detail) == (FAILING, "None takes the queues mail, usage.")
    assert "celery -A openrouter_site worker -Q mail,usage, and" in part("Worker").remedy


def test_a_periodic_task_that_failed_is_named_with_its_error():
    since = utc_now() - timedelta(hours=3)
    name = "gateway.tasks.drop_old_requests"
    FailingTask.objects.create(name=name, since=since, failures=1, error="OSError: No space left on device")
    FailingTask.objects.create(name="gateway.tasks.renamed", since=since, failures=9, error="ValueError")
    found = part("Periodic tasks")
    assert (found.state, found.detail) == (FAILING, f"{name}, first 3 hours ago: OSError: No space left on device")


def test_webhooks_are_told_by_the_last_one_and_by_those_that_failed():
    ProviderEvent.objects.create(
        provider="stripe", event_id="e", type="t", object_id="o", received_at=utc_now() - timedelta(hours=3),
        state=ProviderEvent.State.DONE,
    )  # fmt: skip
    assert part("Webhooks").detail == "The last one arrived 3 hours ago."
    ProviderEvent.objects.update(state=ProviderEvent.State.FAILED)
    assert (part("Webhooks").state, part("Webhooks").detail) == (FAILING, "1 event could not be processed.")


def test_the_ledger_is_as_the_last_check_found_it(account: CreditAccount):
    call_command("reconcile_ledger")
    assert (part("Ledger").state, part("Ledger").detail) == (OK, "It added up just now.")
    CreditAccount.objects.filter(pk=account.pk).update(held=5)
    with pytest.raises(Exception, match="doesn't add up"):
        call_command("reconcile_ledger")
    assert (part("Ledger").state, part("Ledger").detail) == (FAILING, "1 fault found just now.")
    ReconciliationRun.objects.update(faults=0, finished_at=utc_now() - timedelta(days=3))
    assert (part("Ledger").state, part("Ledger").detail) == (FAILING, "It was last checked 3 days ago.")


def test_old_results_of_reconciliation_are_deleted():
    for number in range(40):
        ReconciliationRun.objects.create(faults=0, finished_at=utc_now() - timedelta(days=number + 1))
    call_command("reconcile_ledger")
    assert ReconciliationRun.objects.count() == 30


def test_the_mail_server_must_answer(settings, account, alice):
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.getsockname()[1]
        assert part("Email").state == OK and "sendtestemail" in part("Email").remedy
        Notice.objects.create(account=account, user=alice, subject="s", body="b", due_at=None)
        assert part("Email").detail == "1 email could not be delivered."
    assert part("Email").state == FAILING and "doesn't answer" in part("Email").detail


@pytest.mark.parametrize(
    ("key", "secrets", "state"),
    [("sk_live_x", ["whsec_x"], OK), ("sk_test_x", ["whsec_x"], SIMULATED), ("sk_live_x", [], MISSING)],
)
def test_card_payments_are_live_in_test_mode_or_without_webhooks(settings, key, secrets, state):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = False, key, secrets
    assert part("Card payments").state == state


def test_a_check_that_breaks_is_failing_and_keeps_its_error_to_itself(monkeypatch):
    def broken() -> list[Check]:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(installation, "CHECKS", (("Redis", broken), *installation.CHECKS))
    found = installation.checks()[0]
    assert (found.state, found.detail) == (FAILING, "Couldn't be checked (RuntimeError).")


def test_the_start_page_shows_it_to_operators_only(alice_client: Client):
    desk = signed_in(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    page = desk.get("/admin/").content.decode()
    for check in installation.checks():
        assert check.name in page
    assert "manage.py sendtestemail" in page and "/admin/models_catalog/providerkey/" in page
    assert alice_client.get("/admin/").status_code == 302
