"""Secrets in URLs are not in the log."""

import logging
import re
import secrets

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from openrouter_site.serving.log_filters import LOGGERS, MaskUrls, mask

#: Names of a route's parameters that hold a secret.
SECRET_PARAMETERS = {"key", "token", "code", "secret", "uidb36", "uidb64"}


def routes(patterns: list, before: str = "") -> list[str]:
    found = []
    for each in patterns:
        route = before + re.sub(r"^\^", "", str(each.pattern))
        if isinstance(each, URLResolver):
            found += routes(each.url_patterns, route)
        elif isinstance(each, URLPattern) and SECRET_PARAMETERS & set(each.pattern.regex.groupindex):
            found.append(route)
    return found


def test_the_secret_of_every_route_is_masked():
    found = routes(get_resolver().url_patterns)
    assert len(found) >= 2
    for route in found:
        secret = secrets.token_urlsafe(24)
        path = "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", secret, route).rstrip("$\\Z")
        assert secret not in mask(path), path
        assert secret not in mask(f"{path}?next=/{secret}"), path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/account/confirm-email/MQ:1vX:abc-_1/", "/account/confirm-email/***/"),
        ("/account/confirm-email/MQ%3A1vX%3Aabc", "/account/confirm-email/***"),
        ("/account/password/reset/key/1-c9x-0f/", "/account/password/reset/key/***/"),
        ("/settings/credits/return?s=cs_live_1", "/settings/credits/return?***"),
        ("/api/v1/models?key=sk-or-v1-1&x=2", "/api/v1/models?***"),
        ("/settings/keys/key_1", "/settings/keys/key_1"),
        ("/account/confirm-email/", "/account/confirm-email/"),
        ("/openai/gpt-4o-mini", "/openai/gpt-4o-mini"),
    ],
)
def test_a_path_is_shown_without_its_token_and_its_query(path, shown):
    assert mask(path) == shown


def test_every_logger_of_paths_masks(caplog):
    for name in LOGGERS:
        assert any(isinstance(each, MaskUrls) for each in logging.getLogger(name).filters), name
        logger = logging.getLogger(name)
        with caplog.at_level("INFO", name), pytest.MonkeyPatch.context() as patched:
            patched.setattr(logger, "handlers", [caplog.handler])
            patched.setattr(logger, "propagate", False)
            logger.info('%s - "%s %s HTTP/%s" %d', "192.0.2.1", "GET", "/a/confirm-email/abc/?x=abc", "1.1", 200)
    assert "abc" not in caplog.text
    assert caplog.text.count('192.0.2.1 - "GET /a/confirm-email/***/?*** HTTP/1.1" 200') == len(LOGGERS)


@pytest.mark.django_db
def test_djangos_line_about_a_failed_request_masks_too(client: Client, caplog):
    client.get("/account/confirm-email/a-secret/more/")
    assert "/account/confirm-email/***/more/" in caplog.text and "a-secret" not in caplog.text
