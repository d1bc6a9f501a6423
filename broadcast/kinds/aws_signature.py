"""AWS Signature Version 4, for requests whose whole body is known. Pure."""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from broadcast.sending import Outgoing

__all__ = ["Credentials", "signed"]

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """An access key; `session_token` is there for temporary ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def signed(request: Outgoing, credentials: Credentials, region: str, now: datetime, service: str = "s3") -> Outgoing:
    """Return the request with the headers that sign it. `now` is in UTC."""
    parts, payload = urlsplit(request.url), hashlib.sha256(request.body).hexdigest()
    added = {"x-amz-date": f"{now:%Y%m%dT%H%M%SZ}", "x-amz-content-sha256": payload}
    if credentials.session_token:
        added["x-amz-security-token"] = credentials.session_token
    host = parts.netloc.removesuffix(":443" if parts.scheme == "https" else ":80")
    sent = {**request.headers, **added, "host": host}
    every = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = ";".join(sorted(every))
    lines = [f"{name}:{every[name]}" for name in sorted(every)]
    canonical = "\n".join([request.method, parts.path or "/", _query(parts.query), *lines, "", names, payload])
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    text = "\n".join([_ALGORITHM, added["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{credentials.access_key_id}/{scope}"
    added["Authorization"] = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers={**request.headers, **added})


def _query(query: str) -> str:
    """Return the query with its names in order and everything encoded but unreserved characters."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True))
    return "&".join(f"{name}={value}" for name, value in pairs)
