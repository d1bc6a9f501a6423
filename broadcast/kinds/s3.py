"""S3-compatible storage: one compressed file of JSON Lines for each batch, each line the OTLP JSON of one event.

The name of a file follows from its events, so a batch that is sent twice replaces itself.
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from yarl import URL

from broadcast.payloads.events import Event, batch_id
from broadcast.sending import Outgoing
from common.errors import InvalidRequest

from .aws_signature import Credentials, signed
from .kind import MASK, Config, Kind, batch_body, checked_headers, checked_text, checked_url, masked_headers

__all__ = ["KIND"]

REGION, PREFIX, TEMPLATE = "us-east-1", "openrouter-traces", "{prefix}/{date}"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_PLACE = re.compile(r"\{([^{}]*)\}")
_PLACES = {"prefix": "", "date": "%Y-%m-%d", "year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}


def _checked(given: Mapping[str, Any]) -> Config:
    bucket = checked_text(given.get("bucketName"), "bucketName")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidRequest("bucketName: enter the name of a bucket: letters, digits, dots and hyphens.")
    region = checked_text(given.get("region"), "region", required=False) or REGION
    if not _REGION.fullmatch(region):
        raise InvalidRequest("region: enter a region, for example us-east-1.")
    template = checked_text(given.get("pathTemplate"), "pathTemplate", required=False) or TEMPLATE
    if unknown := set(_PLACE.findall(template)).difference(_PLACES):
        known = ", ".join(f"{{{name}}}" for name in _PLACES)
        raise InvalidRequest(f"pathTemplate: {{{sorted(unknown)[0][:40]}}} is not one of {known}.")
    prefix = checked_text(given.get("prefix"), "prefix", required=False)
    endpoint = given.get("endpoint")
    return {
        "bucketName": bucket,
        "region": region,
        "endpoint": _endpoint(endpoint) if endpoint else "",
        "accessKeyId": checked_text(given.get("accessKeyId"), "accessKeyId"),
        "secretAccessKey": checked_text(given.get("secretAccessKey"), "secretAccessKey"),
        "sessionToken": checked_text(given.get("sessionToken"), "sessionToken", required=False),
        "prefix": prefix if given.get("prefix") is not None else PREFIX,
        "pathTemplate": template,
        "headers": checked_headers(given.get("headers"), reserved="x-amz-"),
    }


def _endpoint(given: Any) -> str:
    return str(URL(checked_url(given, "endpoint"), encoded=True).with_query(None)).rstrip("/")


def _public(config: Config) -> Config:
    shown = {name: value for name, value in config.items() if value != ""}
    secrets = dict.fromkeys(shown.keys() & {"secretAccessKey", "sessionToken"}, MASK)
    return {**shown, **secrets, "headers": masked_headers(config)}


def _outgoing(config: Config, events: Sequence[Event], now: datetime) -> Outgoing:
    first = events[0].at.astimezone(UTC)
    folder = _PLACE.sub(lambda place: _filled(place[1], config, first), config["pathTemplate"])
    name = f"{first:%Y%m%dT%H%M%SZ}-{batch_id(events)}.jsonl.gz"
    path = quote("/".join([*filter(None, folder.split("/")), name]), safe="/-_.~")
    lines = b"".join(batch_body([event]) + b"\n" for event in events)
    body = gzip.compress(lines, mtime=0)
    credentials = Credentials(config["accessKeyId"], config["secretAccessKey"], config["sessionToken"])
    headers = {**config["headers"], "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    request = Outgoing("PUT", f"{_address(config)}/{path}", headers, body)
    return signed(request, credentials, config["region"], now)


def _filled(name: str, config: Config, at: datetime) -> str:
    return str(config["prefix"]) if name == "prefix" else at.strftime(_PLACES[name])


def _address(config: Config) -> str:
    """Return the address of the bucket: in the path where the endpoint is the customer's, else in the host."""
    if config["endpoint"]:
        return f"{config['endpoint']}/{config['bucketName']}"
    return f"https://{config['bucketName']}.s3.{config['region']}.amazonaws.com"


KIND = Kind(checked=_checked, public=_public, outgoing=_outgoing)
