"""Tasks are divided into queues by purpose, and the workers that we start take all of them."""

import re
from collections.abc import Iterator, Sequence

import pytest
import yaml
from django.conf import settings

from openrouter_site.celery import app
from scripts.environment import ROOT


def queue_of(task: str) -> str:
    return app.amqp.router.route({}, task)["queue"].name


def test_every_task_of_the_site_has_a_queue_by_its_purpose():
    app.loader.import_default_modules()
    tasks = {name for name in app.tasks if not name.startswith("celery.")}
    assert {queue_of(task) for task in tasks} == set(settings.QUEUES)
    unplaced = {task for task in tasks if queue_of(task) == settings.CELERY_TASK_DEFAULT_QUEUE}
    assert {task for task in unplaced if not task.startswith("operations.")} == {
        "accounts.tasks.finish_deletion",
        "accounts.tasks.finish_deletions",
    }


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("billing.tasks.charge_auto_top_up", "money"),
        ("billing.tasks.expire_credits", "money"),
        ("gateway.tasks.reap_dead_requests", "money"),
        ("billing.tasks.deliver_notice", "mail"),
        ("accounts.tasks.send_notice", "mail"),
        ("activity.tasks.alert_limits", "mail"),
        ("models_catalog.tasks.sync_catalog", "catalog"),
        ("gateway.tasks.roll_up_usage", "usage"),
        ("activity.tasks.count_rankings", "usage"),
        ("broadcast.tasks.deliver", "broadcast"),
        ("operations.tasks.watch", "celery"),
    ],
)
def test_examples(task, queue):
    assert queue_of(task) == queue


def test_the_clock_sends_a_heartbeat_through_each_queue():
    sent = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == "operations.tasks.beat_heart"]
    queues = [app.amqp.router.route(dict(entry["options"]), entry["task"])["queue"].name for entry in sent]
    assert queues == list(settings.QUEUES) == [entry["args"][0] for entry in sent]
    assert {entry["schedule"] for entry in sent} == {30.0}


def test_what_the_clock_repeats_expires_after_it_was_sent_again_and_what_has_an_hour_is_never_lost():
    entries = settings.CELERY_BEAT_SCHEDULE
    repeated = {name: entry for name, entry in entries.items() if isinstance(entry["schedule"], float)}
    assert {"sweep-purchases", "deliver-notices", "broadcast-events", "watch"} <= repeated.keys()
    for name, entry in repeated.items():
        assert entry["schedule"] < entry["options"]["expires"] <= max(10 * entry["schedule"], 300), name
    assert {"reconcile-ledger", "expire-credits"} <= entries.keys() - repeated.keys()
    assert not [name for name in entries.keys() - repeated.keys() if "expires" in entries[name].get("options", {})]


def queues_of(command: Sequence[str]) -> list[str]:
    return command[[*command].index("--queues") + 1].split(",")


def shipped_workers() -> Iterator[tuple[str, list[Sequence[str]]]]:
    """The commands of the workers that each way to install the site starts."""
    units = [path.read_text() for path in (ROOT / "deploy").glob("*.service")]
    commands = [re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)[0].split() for unit in units]
    yield "systemd", [command for command in commands if "worker" in command]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    yield "compose", [each["command"] for each in services if "worker" in each.get("command", ())]
    pods = yaml.safe_load_all((ROOT / "deploy/kubernetes/worker.yaml").read_text())
    yield "kubernetes", [each["spec"]["template"]["spec"]["containers"][0]["command"] for each in pods]


def test_workers_take_every_queue_unless_told():
    assert [*app.amqp.queues] == [*settings.QUEUES]  # what a worker without --queues takes


@pytest.mark.parametrize(("installed", "commands"), [*shipped_workers()])
def test_the_workers_that_are_shipped_take_every_queue_and_slow_customers_keep_no_other_waiting(installed, commands):
    taken = sorted(queues_of(command) for command in commands)
    assert sorted(name for names in taken for name in names) == sorted(settings.QUEUES)
    assert ["broadcast"] in taken
    for command in commands:
        # Each of its threads may hold a connection to the database while it waits for a server.
        assert int(command[[*command].index("--concurrency") + 1]) < settings.DATABASE_POOL_SIZE


@pytest.mark.parametrize(("installed", "commands"), [*shipped_workers()])
def test_their_logs_begin_with_no_banner(installed, commands):
    assert all("--quiet" in command for command in commands)
