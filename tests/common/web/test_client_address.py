"""The client's address behind proxies."""

from ipaddress import ip_address, ip_network

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from starlette.requests import Request
from starlette.responses import JSONResponse

from common.web.client_address import ForwardedClient, client_of, parse_address
from openrouter_site import env

PROXIES = [ip_network("10.0.0.0/24"), ip_network("2001:db8:f::/64")]
PROXY, VISITOR, FORGED = "10.0.0.2", "203.0.113.9", "198.51.100.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("203.0.113.9:41234", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("203.0.113", None),
        ("203.0.113.9:http", None),
        ("[2001:db8::1", None),
        ("203.0.113.9, 10.0.0.1", None),
        ("999.1.1.1", None),
    ],
)
def test_an_address_is_read_with_or_without_port_and_brackets(text, address):
    assert parse_address(text) == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        (VISITOR, FORGED, VISITOR),  # not a proxy: its header says nothing
        (VISITOR, f"{FORGED}, {PROXY}", VISITOR),
        (PROXY, VISITOR, VISITOR),
        (PROXY, f"{FORGED}, {VISITOR}", VISITOR),  # the proxy appended the visitor to what the visitor sent
        (PROXY, f"{FORGED}, {VISITOR}, 10.0.0.3", VISITOR),  # two proxies
        (PROXY, f"10.0.0.9, {VISITOR}", VISITOR),  # the visitor claims to be a proxy
        (PROXY, "10.0.0.9, 10.0.0.8", "10.0.0.9"),  # a proxy's own request
        (PROXY, f"{FORGED}, unknown", PROXY),
        (PROXY, f"{FORGED}, , 10.0.0.3", "10.0.0.3"),
        (PROXY, "rubbish", PROXY),
        ("2001:db8:f::2", "[2001:db8:1::7]:5000", "2001:db8:1::7"),
        ("2001:db8:f::2", f"{VISITOR}:5000", VISITOR),
    ],
)
def test_the_list_is_read_from_the_right_up_to_the_first_that_is_no_proxy(peer, forwarded_for, client):
    assert client_of(ip_address(peer), forwarded_for, PROXIES) == ip_address(client)


async def seen(peer: str, headers: list[tuple[str, str]], trusted=PROXIES) -> dict[str, object]:
    """Return the request from this peer as an application behind the middleware sees it."""

    async def show(scope, receive, send):
        request = Request(scope)
        shown = {"client": scope["client"][0], "scheme": request.url.scheme, "headers": sorted(request.headers)}
        await JSONResponse(shown)(scope, receive, send)

    transport = httpx.ASGITransport(ForwardedClient(show, trusted), client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://site.example") as client:
        return (await client.get("/", headers=headers)).json()


async def test_a_trusted_proxy_tells_address_and_scheme():
    got = await seen(PROXY, [("X-Forwarded-For", FORGED), ("X-Forwarded-For", VISITOR), ("X-Forwarded-Proto", "https")])
    assert (got["client"], got["scheme"]) == (VISITOR, "https")


@pytest.mark.parametrize("peer", ["127.0.0.1", VISITOR])
async def test_without_trusted_proxies_the_headers_count_from_no_address(peer):
    got = await seen(peer, [("X-Forwarded-For", FORGED), ("X-Forwarded-Proto", "https")], [])
    assert (got["client"], got["scheme"]) == (peer, "http")


@pytest.mark.parametrize("peer", [PROXY, VISITOR])
async def test_what_comes_after_sees_no_forwarded_headers(peer):
    names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Other"]
    got = await seen(peer, [(name, "1") for name in names])
    assert [name for name in got["headers"] if name.startswith("x-")] == ["x-other"]


@pytest.mark.parametrize("proto", ["ftp", "", "javascript"])
async def test_another_scheme_changes_nothing(proto):
    assert (await seen(PROXY, [("X-Forwarded-Proto", proto)]))["scheme"] == "http"


async def test_a_websocket_behind_tls_is_a_secure_one():
    scopes = []

    async def keep(scope, receive, send):
        scopes.append(scope)

    headers = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", VISITOR.encode())]
    scope = {"type": "websocket", "scheme": "ws", "client": (PROXY, 1), "headers": headers}
    await ForwardedClient(keep, PROXIES)(scope, None, None)
    assert (scopes[0]["scheme"], scopes[0]["client"]) == ("wss", (VISITOR, 0))


async def test_an_ignored_proxy_is_named_in_the_log_once_with_the_remedy(caplog):
    async def nothing(scope, receive, send):
        pass

    site = ForwardedClient(nothing, [])
    for peer in [VISITOR] * 3 + [f"192.0.2.{number}" for number in range(50)]:
        headers = [(b"x-forwarded-proto", b"https")]
        await site({"type": "http", "scheme": "http", "client": (peer, 1), "headers": headers}, None, None)
    told = [record.getMessage() for record in caplog.records]
    assert f"set TRUSTED_PROXIES={VISITOR};" in told[0]
    assert len(told) == len(set(told)) < 20  # visitors can't fill the log


@pytest.mark.parametrize("value", ["10.0.0.5", "10.0.0.0/24, 2001:db8::/64", ""])
def test_the_setting_takes_addresses_and_networks(monkeypatch, value):
    monkeypatch.setenv("TRUSTED_PROXIES", value)
    assert [str(network) for network in env.networks("TRUSTED_PROXIES")] == [
        word if "/" in word else f"{word}/32" for word in value.replace(" ", "").split(",") if word
    ]


@pytest.mark.parametrize("value", ["proxy.example.com", "10.0.0.5/24", "10.0.0.0/99", "*", "0.0.0.0/0", "::/0"])
def test_the_setting_refuses_anything_else_and_whatever_trusts_everyone(monkeypatch, value):
    monkeypatch.setenv("TRUSTED_PROXIES", value)
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must"):
        env.networks("TRUSTED_PROXIES")
