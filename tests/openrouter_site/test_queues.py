"""Tasks are divided into queues by purpose, and the workers that we start take all of them."""

import re

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


def test_workers_take_every_queue_unless_told():
    every = ",".join(settings.QUEUES)
    assert ",".join(app.amqp.queues) == every  # what a worker without --queues takes
    unit = (ROOT / "deploy/openrouter-worker.service").read_text()
    (worker,) = yaml.safe_load((ROOT / "deploy/kubernetes/worker.yaml").read_text())["spec"]["template"]["spec"][
        "containers"
    ]
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["worker"]["command"]
    assert re.findall(r"^ExecStart=.* --queues (\S+)$", unit, re.MULTILINE) == [every]
    assert worker["command"][-2:] == composed[-2:] == ["--queues", every]
