"""Metrics, reports of errors, and logs."""

from openrouter_site import env

from .core import DEBUG

# The bearer token of `/metrics`; without one, metrics are off in production and open in development.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# Addresses that are emailed when an incident begins and ends.
OPERATOR_EMAILS = env.words("OPERATOR_EMAILS")
# Where errors are reported to: Sentry's or a compatible server. Needs requirements/sentry.txt.
SENTRY_DSN = env.text("SENTRY_DSN")

LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"), "text" if DEBUG else "json")
# Nothing below INFO, and no request bodies anywhere: prompts must never reach a log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "common.telemetry.logs.TextFormatter"},
        "json": {"()": "common.telemetry.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        # During an outage it would write two lines for each attempt to connect. Refused requests are logged anyway.
        "psycopg.pool": {"level": "ERROR"},
        # The server's lines look like all others; its own `--log-level` sets their level.
        "uvicorn": {"propagate": True},
        "uvicorn.access": {"propagate": True},
    },
}

# HSTS for sub-domains and preloading are the operator's choice.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
