"""Public responses: cacheable for a minute.

An answer is encoded and compressed once per catalogue and question, then served as bytes.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from common.web.compression import MIN_BYTES, compress, negotiate

__all__ = ["publish"]

_CACHE_CONTROL = "public, max-age=60, stale-while-revalidate=300"
_ANSWERS_AT_MOST = 64
_FRESH_SECONDS = 60.0  # of answers to questions of age or traffic


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    compressed: dict[str, bytes]  # by coding, made when first asked for
    etag: str
    made_at: float  # monotonic seconds

    def encoded(self, coding: str) -> bytes:
        """Return the body in this coding; an empty one means as it is."""
        if not coding:
            return self.body
        if coding not in self.compressed:
            self.compressed[coding] = compress(self.body, coding)
        return self.compressed[coding]


_answers: OrderedDict[tuple[int, str], _Answer] = OrderedDict()
_lock = threading.Lock()


def publish(
    request: HttpRequest,
    stamp: int,
    make: Callable[[], bytes],
    *,
    question: str,
    content_type: str = "application/json",
    lasting: bool = False,
) -> HttpResponse:
    """Return the response to `question` from the catalog of that stamp; 304 if the client has it already.

    `question` names everything that the answer depends on besides the catalogue. A `lasting` answer does not depend on
    the time either: it is made once for each catalog.
    """
    answer = _answer(stamp, question, make, lasting=lasting)
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if answer.etag in known or known == ["*"]:
        response = HttpResponse(status=304)
    else:
        response = _in_full(request, answer, content_type)
    response["ETag"] = answer.etag
    response["Cache-Control"] = _CACHE_CONTROL
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _in_full(request: HttpRequest, answer: _Answer, content_type: str) -> HttpResponse:
    coding = negotiate(request.headers.get("Accept-Encoding", "")) if len(answer.body) >= MIN_BYTES else ""
    body = answer.encoded(coding)
    response = HttpResponse(b"" if request.method == "HEAD" else body, content_type=content_type)
    response["Content-Length"] = str(len(body))
    if coding:
        response["Content-Encoding"] = coding
    return response


def _answer(stamp: int, question: str, make: Callable[[], bytes], *, lasting: bool) -> _Answer:
    key = (stamp, question)
    with _lock:
        known = _answers.get(key)
        if known and (lasting or time.monotonic() - known.made_at < _FRESH_SECONDS):
            _answers.move_to_end(key)
            return known
    body = make()
    # Weak: the same content, whatever its encoding.
    etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
    compressed = known.compressed if known and known.etag == etag else {}
    answer = _Answer(body, compressed, etag, made_at=time.monotonic())
    with _lock:
        _answers[key] = answer
        while len(_answers) > _ANSWERS_AT_MOST:
            _answers.popitem(last=False)
    return answer
