"""Headers of every page, and what crawlers are told."""

from urllib.robotparser import RobotFileParser

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/terms", "/nothing/is/here", "/settings/credits", "/admin/", "/robots.txt"])
def test_a_page_may_use_no_device_and_be_embedded_nowhere(path):
    response = Client().get(path)
    policy = response["Permissions-Policy"].split(", ")
    assert {"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} <= set(policy)
    assert not any(feature.startswith(("clipboard", "publickey-credentials")) for feature in policy)  # used
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


def test_only_the_chat_may_use_the_microphone(alice_client: Client, alice, account):
    for path in ("/chat", "/chat/shell"):
        policy = alice_client.get(path)["Permissions-Policy"].split(", ")
        assert "microphone=(self)" in policy and "microphone=()" not in policy
        assert {"camera=()", "geolocation=()"} <= set(policy)


def test_the_api_may_be_read_from_other_sites():
    assert "Cross-Origin-Resource-Policy" not in Client().get("/api/v1/models")


def test_crawlers_may_read_public_pages_only():
    response = Client().get("/robots.txt")
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain")
    assert Client().head("/robots.txt").status_code == 200
    robots = RobotFileParser()
    robots.parse(response.content.decode().splitlines())

    def allowed(path: str) -> bool:
        return robots.can_fetch("a-crawler", f"https://gateway.example.com{path}")

    for path in ("/", "/models", "/openai/gpt-4o-mini", "/chatter/some-model", "/terms", "/static/css/base.css"):
        assert allowed(path), path
    for path in ("/settings/keys", "/admin/", "/api/v1/models", "/account/login/", "/activity/gen-1"):
        assert not allowed(path), path
    assert "Disallow: /models?*" in response.content.decode()  # Python's parser knows no wildcards
