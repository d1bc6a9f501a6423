"""A program that sends the heartbeats of the schedule once, without waiting for the clock's first ones."""

from openrouter_site.celery import app

for entry in app.conf.beat_schedule.values():
    if entry["task"] == "operations.tasks.beat_heart":
        app.send_task(entry["task"], entry["args"], **entry["options"])
