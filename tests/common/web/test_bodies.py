"""Bodies of requests. Sizes, times and encodings are tested on the running site."""

import gzip

import pytest

from common.web.bodies import read_body


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("body", ['{"a": "\ufeff"}', "", "\ufeff"])
async def test_a_byte_order_mark_before_the_body_is_left_out(encoding: str, body: str):
    marked = ("\ufeff" + body).encode()
    sent = gzip.compress(marked) if encoding else marked

    async def receive():
        return {"type": "http.request", "body": sent}

    scope = {"type": "http", "headers": [(b"content-encoding", encoding.encode())]}
    assert await read_body(scope, receive, 1000) == body.encode()
