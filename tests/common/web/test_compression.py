"""Content negotiation of compression."""

import gzip

import brotli
import pytest

from common.web.compression import compress, negotiate


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("", ""),
        ("identity", ""),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0", ""),
        ("br;q=0.2, gzip;q=0.8", "gzip"),
        ("br ; q=0.5 , gzip;q=0.5", "br"),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0.5, *;q=0", "gzip"),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=nan", ""),
        ("gzip;q=2", ""),
        ("gzip;q=high", ""),
        ("gzip;level=9", ""),
        ("xgzip, brotli", ""),
        (",;,;q=1", ""),
        ("x," * 400 + "gzip", ""),
    ],
)
def test_the_client_gets_what_it_likes_best(accept_encoding, coding):
    assert negotiate(accept_encoding) == coding


def test_what_is_compressed_can_be_read_again():
    body = b"<p>A page</p>" * 200
    assert brotli.decompress(compress(body, "br")) == gzip.decompress(compress(body, "gzip")) == body
