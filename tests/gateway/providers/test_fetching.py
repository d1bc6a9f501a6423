"""Fetching files by URL: which files, from which addresses, and the errors. The servers are real."""

import asyncio
import base64
import gzip
from ipaddress import ip_address

import pytest

from common.errors import InvalidRequest
from common.web.public_addresses import may_connect_to
from gateway.providers.fetching import fetch

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
FILES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "image/gif": b"GIF89a" + b"\0" * 40,
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40,
    "application/pdf": b"%PDF-1.7\n" + b"\0" * 40,
}


async def refusal(url: str, **limits) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        await fetch([url], **limits)
    error = refused.value
    assert error.status == 400
    assert error.metadata["error_type"] == error.error_type
    assert "data URL" in error.message
    return error


@pytest.mark.parametrize("media_type", FILES)
async def test_images_and_pdfs_are_fetched(served, media_type):
    url = served({"/file": (media_type, FILES[media_type])}) + "/file"
    fetched = (await fetch([url]))[url]
    assert fetched.media_type == media_type
    assert base64.b64decode(fetched.data) == FILES[media_type]


@pytest.mark.parametrize("content_type", ["application/octet-stream", "", "image/jpg", "image/gif; charset=x"])
async def test_a_file_is_recognized_by_its_first_bytes(served, content_type):
    url = served({"/file": (content_type, PNG)}) + "/file"
    assert (await fetch([url]))[url].media_type == "image/png"


async def test_several_urls_are_fetched_together_each_once(served):
    site = served({"/a": ("image/png", PNG), "/b": ("application/pdf", FILES["application/pdf"])})
    fetched = await fetch([f"{site}/a", f"{site}/b", f"{site}/a"])
    assert {url[-2:]: file.media_type for url, file in fetched.items()} == {
        "/a": "image/png",
        "/b": "application/pdf",
    }
    assert sorted(served.paths) == ["/a", "/b"]


async def test_no_urls_fetch_nothing():
    assert await fetch([]) == {}


async def test_the_request_reveals_nothing_about_the_caller(served):
    url = served({"/file": ("image/png", PNG)}) + "/file"
    await fetch([url])
    assert set(served.headers) <= {"host", "accept", "accept-encoding", "user-agent", "connection"}


# --- Allowed addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "224.0.1.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:7f00:1::1",
        "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address):
    assert not may_connect_to(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_allowed(address):
    assert may_connect_to(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
        "127.1", "127.0.1", "0", "0.0.0.0", "①②⑦.⓪.⓪.①", "127。0。0。1",
    ],
)  # fmt: skip
async def test_the_sites_own_server_is_not_reached_however_it_is_spelled(served, settings, host):
    port = served({"/file": ("image/png", PNG)}).rpartition(":")[2]
    settings.FETCH_ALLOWED_NETWORKS = []
    error = await refusal(f"http://{host}:{port}/file")
    assert error.error_type == "image_download_failed"
    assert served.paths == []


async def test_a_name_is_checked_each_time_it_is_resolved(served, settings, monkeypatch):
    """DNS rebinding: a name server that changes its answer between requests does not get around the check."""
    port = served({"/file": ("image/png", PNG)}).rpartition(":")[2]
    settings.FETCH_ALLOWED_NETWORKS = []
    answers = iter(["192.168.0.9", "127.0.0.1", "169.254.169.254"])
    loop = asyncio.get_running_loop()

    async def resolve(host, port, **options):
        assert host == "rebinding.example"
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    for _ in range(3):
        assert "is not a public address" in (await refusal(f"http://rebinding.example:{port}/file")).message
    assert served.paths == []


async def test_networks_can_be_allowed(served, settings):
    url = served({"/file": ("image/png", PNG)}) + "/file"
    settings.FETCH_ALLOWED_NETWORKS = ["10.0.0.0/8", "127.0.0.1/32"]
    assert await fetch([url])
    assert may_connect_to(ip_address("10.1.2.3"))
    assert may_connect_to(ip_address("::ffff:10.1.2.3"))
    assert not may_connect_to(ip_address("127.0.0.2"))


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/a.png", "file:///etc/passwd", "gopher://example.org/", "unix:/run/x", "//example.org/a",
        "http:///a.png", "http://", "http://[::1", "http://exa mple.org/", "http://user:word@example.org/a.png",
        "http://user@example.org/", "http://example.org:99999/",
    ],
)  # fmt: skip
async def test_only_plain_http_urls_are_fetched(address):
    assert (await refusal(address)).error_type == "image_download_failed"


# --- Redirects ------------------------------------------------------------------------------------------


async def test_three_redirects_are_followed_and_no_more(served):
    site = served({"/0": "/1", "/1": "/2", "/2": "/3", "/3": ("image/png", PNG), "/again": "/0"})
    assert await fetch([f"{site}/0"])
    assert "redirects more than 3 times" in (await refusal(f"{site}/again")).message


async def test_a_redirect_is_checked_like_the_first_url(served, settings):
    site = served({"/in": "http://127.0.0.2:1/", "/file": "file:///etc/passwd", "/name": "http://a:b@127.0.0.1/"})
    assert "is not a public address" in (await refusal(f"{site}/in")).message
    assert "is not an http or https URL" in (await refusal(f"{site}/file")).message
    assert "a user name or a password" in (await refusal(f"{site}/name")).message


# --- Responses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "contents"),
    [
        ("text/html", b"<html>"),
        ("image/svg+xml", b"<svg/>"),
        ("text/plain", PNG),
        ("image/png", b"<html>not an image</html>"),
        ("application/octet-stream", b"MZ\x90\0"),
        ("image/png", b""),
    ],
)
async def test_other_files_are_refused(served, content_type, contents):
    error = await refusal(served({"/file": (content_type, contents)}) + "/file")
    assert error.error_type == "unsupported_image_format"


async def test_a_compressed_file_is_not_decompressed(served):
    error = await refusal(served({"/file": ("image/png", gzip.compress(b"\0" * 10_000_000))}) + "/file")
    assert error.error_type == "unsupported_image_format"


@pytest.mark.parametrize("honest", [True, False], ids=["with-length", "without-length"])
async def test_a_file_that_is_too_large_is_not_read_to_its_end(served, honest):
    size = 100_000 if honest else 30_000_000
    site = served({"/fits": ("image/png", PNG), "/large": ("image/png", PNG.ljust(size + 1, b"\0"))}, length=honest)
    error = await refusal(f"{site}/large", max_bytes=100_000)
    assert error.error_type == "image_too_large"
    assert served.sent < 20_000_000


async def test_the_size_limit_applies_to_all_files_of_a_request_together(served):
    site = served({f"/{number}": ("image/png", PNG.ljust(40_000, b"\0")) for number in range(3)})
    assert len(await fetch([f"{site}/0", f"{site}/1"], max_bytes=100_000)) == 2
    with pytest.raises(InvalidRequest, match="exceeds the limit"):
        await fetch([f"{site}/0", f"{site}/1", f"{site}/2"], max_bytes=100_000)


async def test_too_many_urls_are_refused_before_any_is_fetched(served):
    site = served({})
    with pytest.raises(InvalidRequest, match="at most 50"):
        await fetch([f"{site}/{number}" for number in range(51)])
    assert served.paths == []


@pytest.mark.parametrize("status", [404, 403, 500, 304])
async def test_the_error_names_another_status_and_hides_the_query(served, status):
    error = await refusal(served({"/file": status}) + "/file?signature=secret")
    assert f"returned status {status}" in error.message
    assert "secret" not in error.message


async def test_a_slow_server_times_out(served):
    url = served({"/file": ("image/png", PNG)}, delay=60) + "/file"
    async with asyncio.timeout(30):
        assert "took longer" in (await refusal(url, timeout_seconds=0.3)).message


async def test_a_private_address_is_refused_before_connecting():
    assert "is not a public address" in (await refusal("http://127.0.0.1:9/")).message


async def test_a_closed_port_is_an_error(settings):
    settings.FETCH_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    assert "could not be reached" in (await refusal("http://127.0.0.1:9/")).message
