"""Celery: its broker, and the tasks that the clock starts."""

from typing import Any

from celery.schedules import crontab
from kombu import Queue

from common.storage import file_broker, redis_servers

from .core import DATA_DIR
from .providers import CATALOG_SYNC_MINUTES, CATALOG_SYNC_SOURCES
from .storage import BROKER_REDIS_URL

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any outage of its broker
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "watch": {"task": "operations.tasks.watch", "schedule": 60.0},
    "recheck-ledger": {"task": "operations.tasks.recheck_ledger", "schedule": crontab(minute=50)},
    "reap-dead-requests": {"task": "gateway.tasks.reap_dead_requests", "schedule": 30.0},
    "roll-up-usage": {"task": "gateway.tasks.roll_up_usage", "schedule": 60.0},
    "count-endpoint-hours": {"task": "gateway.tasks.count_endpoint_hours", "schedule": 600.0},
    "make-partitions": {"task": "gateway.tasks.make_partitions", "schedule": crontab(minute=35)},
    "drop-old-requests": {"task": "gateway.tasks.drop_old_requests", "schedule": crontab(hour=4, minute=10)},
    "delete-old-contents": {"task": "gateway.tasks.delete_old_contents", "schedule": crontab(hour=4, minute=40)},
    "compare-listed-models": {"task": "gateway.tasks.compare_listed_models", "schedule": 3600.0},
    "sweep-purchases": {"task": "billing.tasks.sweep_purchases", "schedule": 60.0},
    "charge-auto-top-ups": {"task": "billing.tasks.charge_auto_top_ups", "schedule": 60.0},
    "alert-low-balances": {"task": "billing.tasks.alert_low_balances", "schedule": 60.0},
    "deliver-notices": {"task": "billing.tasks.deliver_notices", "schedule": 60.0},
    "finish-deletions": {"task": "accounts.tasks.finish_deletions", "schedule": 60.0},
    "deliver-invitations": {"task": "accounts.tasks.deliver_invitations", "schedule": 60.0},
    "broadcast-events": {"task": "broadcast.tasks.deliver_due", "schedule": 15.0},
    "alert-limits": {"task": "activity.tasks.alert_limits", "schedule": 60.0},
    "alert-deprecations": {"task": "activity.tasks.alert_deprecations", "schedule": crontab(hour=8, minute=20)},
    "count-rankings": {"task": "activity.tasks.count_rankings", "schedule": 60.0},
    "write-summaries": {"task": "activity.tasks.write_summaries", "schedule": 600.0},
    "recover-missed-payments": {"task": "billing.tasks.recover_missed_payments", "schedule": 600.0},
    "expire-credits": {"task": "billing.tasks.expire_credits", "schedule": crontab(hour=2, minute=40)},
    "reconcile-ledger": {"task": "billing.tasks.reconcile_ledger", "schedule": crontab(hour=3, minute=20)},
}
# A worker takes the tasks of all queues, or of those that it is started with (`--queues money,mail`). The first is for
# tasks without a place in the table below, which is read from its top.
QUEUES = ("celery", "money", "mail", "catalog", "usage", "broadcast")
CELERY_TASK_DEFAULT_QUEUE = QUEUES[0]
CELERY_TASK_QUEUES = [Queue(name) for name in QUEUES]
# A heartbeat through each queue shows that a worker takes it. Those that have waited for minutes tell nothing any more.
CELERY_BEAT_SCHEDULE |= {
    f"beat-heart-{queue}": {
        "task": "operations.tasks.beat_heart",
        "schedule": 30.0,
        "args": [queue],
        "options": {"queue": queue, "expires": 300.0},
    }
    for queue in QUEUES
}
CELERY_TASK_ROUTES = (
    [
        ("billing.tasks.deliver_*", {"queue": "mail"}),
        ("billing.tasks.alert_*", {"queue": "mail"}),
        ("billing.tasks.*", {"queue": "money"}),
        ("gateway.tasks.reap_dead_requests", {"queue": "money"}),
        ("accounts.tasks.finish_*", {"queue": "celery"}),
        ("accounts.tasks.*", {"queue": "mail"}),
        ("activity.tasks.alert_*", {"queue": "mail"}),
        ("activity.tasks.write_summaries", {"queue": "mail"}),
        ("activity.tasks.*", {"queue": "usage"}),
        ("gateway.tasks.compare_listed_models", {"queue": "catalog"}),
        ("models_catalog.tasks.*", {"queue": "catalog"}),
        ("gateway.tasks.*", {"queue": "usage"}),
        ("broadcast.tasks.*", {"queue": "broadcast"}),
    ],
)

CELERY_BROKER_URL: str
if BROKER_REDIS_URL:
    CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = redis_servers.broker_of(BROKER_REDIS_URL)
else:
    CELERY_BROKER_URL = file_broker.URL
    _broker = DATA_DIR / "broker"
    for _folder in ("queue", "processed", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "queue"),
        "data_folder_out": str(_broker / "queue"),
        "control_folder": str(_broker / "control"),
        "processed_folder": str(_broker / "processed"),
        "store_processed": False,
    }
if CATALOG_SYNC_SOURCES:
    CELERY_BEAT_SCHEDULE["sync-catalog"] = {
        "task": "models_catalog.tasks.sync_catalog",
        "schedule": max(CATALOG_SYNC_MINUTES, 1) * 60.0,
    }
# After an outage of the workers each of these waits a thousand times, before everything that is new. The clock has sent
# another one by the time at which one expires. What it sends at an hour of the day is done late instead.
for _entry in CELERY_BEAT_SCHEDULE.values():
    if isinstance(_entry["schedule"], float):
        _entry["options"] = {"expires": max(2 * _entry["schedule"], 60.0)} | _entry.get("options", {})
