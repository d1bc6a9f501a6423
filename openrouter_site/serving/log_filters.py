"""Keeps secrets of URLs out of the log: links with a token are opened like any other page."""

import logging
import re
from typing import Any

__all__ = ["MaskUrls", "mask", "mask_urls_in_logs"]

#: Loggers whose lines contain the paths of requests.
LOGGERS = ("uvicorn.access", "uvicorn.error", "django.request", "django.security.csrf", "django.channels.server")

#: What follows one of these in a path is a token: links that verify an address, reset a password or invite.
_TOKEN = re.compile(r"(/(?:confirm-email|reset/key|unsubscribe|token|invitations)/)[^/?\s\"']+")
_QUERY = re.compile(r"(/[^?\s\"']*\?)[^\s\"']+")


def mask(text: str) -> str:
    """Return the text with each token and each query string in a path replaced by `***`."""
    return _QUERY.sub(r"\1***", _TOKEN.sub(r"\1***", text))


class MaskUrls(logging.Filter):
    """Masks the URLs in a record's arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_masked, record.args))
        elif isinstance(record.args, dict):
            record.args = {name: _masked(value) for name, value in record.args.items()}
        return True


def _masked(value: Any) -> Any:
    return mask(value) if isinstance(value, str) and "/" in value else value


def mask_urls_in_logs() -> None:
    """Mask the URLs in the lines of `LOGGERS`, whatever handles them."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, MaskUrls) for one in logger.filters):
            logger.addFilter(MaskUrls())
