"""The Host of API requests and sockets, and the security headers of what Django does not answer."""

from collections.abc import AsyncIterator

import httpx
import pytest
from channels.testing import WebsocketCommunicator

pytestmark = pytest.mark.django_db(transaction=True)

CHAT, MODELS = "/api/v1/chat/completions", "/api/v1/models"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    from openrouter_site.asgi import application

    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "127.0.0.1@evil.example", "a b", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CHAT),
        ("OPTIONS", CHAT),
        ("POST", f"http://testserver/{CHAT}"),
        ("GET", MODELS),
        ("GET", "/api/v1/x"),
    ],
)
async def test_an_api_request_to_another_host_is_a_400_that_names_the_sites_address(http, settings, method, path, host):
    settings.SITE_URL = "https://gateway.example.com"
    response = await http.request(method, path, headers={"Host": host})
    assert response.status_code == 400
    assert response.json()["error"]["metadata"]["error_type"] == "invalid_request"
    assert "Use https://gateway.example.com." in response.json()["error"]["message"]


@pytest.mark.parametrize("host", ["testserver", "TESTSERVER:8000", "sub.allowed.example", "[::1]:8000"])
async def test_hosts_of_the_site_are_served(http, settings, host):
    settings.ALLOWED_HOSTS = ["testserver", ".allowed.example", "[::1]"]
    assert (await http.post(CHAT, headers={"Host": host})).status_code == 401
    assert (await http.get(MODELS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", [b"evil.example", b""])
async def test_a_socket_to_another_host_is_refused(alice_client, host):
    from openrouter_site.asgi import application

    cookie = f"sessionid={alice_client.cookies['sessionid'].value}".encode()
    headers = [(b"host", host), (b"origin", b"http://testserver"), (b"cookie", cookie)]
    connected, _ = await WebsocketCommunicator(application, "/ws/chat", headers=headers).connect(timeout=30)
    assert not connected


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", MODELS, {}, 200),
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/api/v1/key", {}, 401),
        ("POST", CHAT, {}, 401),
        ("GET", CHAT, {}, 405),
        ("OPTIONS", CHAT, {}, 204),
        ("POST", CHAT, {"Host": "evil.example"}, 400),
        ("GET", "/healthz", {}, 200),
        ("GET", "/terms", {}, 200),
    ],
)
async def test_every_response_has_the_security_headers_once(http, method, path, headers, status):
    response = await http.request(method, path, headers=headers)
    assert response.status_code == status
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("referrer-policy") == ["strict-origin-when-cross-origin"]
    assert response.headers.get_list("x-frame-options") == ["DENY"]
