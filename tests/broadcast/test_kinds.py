"""How each kind of destination is sent its events, and which configurations are refused."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from broadcast.delivery import delivering
from broadcast.destinations import saving
from broadcast.kinds import KINDS, webhook
from broadcast.kinds.aws_signature import Credentials, signed
from broadcast.payloads.events import Shown, event_of
from broadcast.sending import Outgoing
from common.clock import utc_now
from common.errors import InvalidRequest, NotFound
from documentation.library import current
from gateway.models import Generation
from tests.activity.factory import make_request
from tests.documentation.samples import samples_in

from .conftest import attributes, deliver

S3 = {"bucketName": "logs", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "not-secret", "prefix": "a b"}


def sent(organisation, account, clock, kind, config, **settings):
    """A destination of a kind that has been sent one request."""
    destination, secret = saving.create(organisation, None, kind, config, name="Mine", **settings)
    request = make_request(
        account, utc_now(), external_user="u-1", session_id="s-1", app="https://notes.example.com/", cost=1_500_000
    )
    clock.advance(minutes=1)
    deliver(destination)
    return destination, secret, request


def test_opentelemetry_gets_json_of_its_protocol(organisation, account, receiver, clock):
    config = {"endpoint": receiver.url, "headers": {"Authorization": "Bearer abc"}}
    groups = {"with_cost": True, "with_identity": True, "with_context": True}
    _, _, request = sent(organisation, account, clock, "otel-collector", config, **groups)
    (received,) = receiver.requests
    assert (received.method, received.path) == ("POST", "/v1/traces")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["authorization"] == "Bearer abc"
    (span,) = received.spans
    assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"])
    assert (span["name"], span["kind"], span["status"]) == ("chat openai/gpt-4o-mini", 3, {})
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    assert isinstance(span["startTimeUnixNano"], str) and end - start == 2_400_000_000
    assert datetime.fromtimestamp(start / 1e9, UTC).replace(microsecond=0) == request.created_at.replace(microsecond=0)
    assert attributes(span).items() >= {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.id": request.pk,
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200, "gen_ai.usage.cost": 0.0000015,
        "openrouter.cost.pico_usd": 1_500_000, "user.id": "u-1", "session.id": "s-1",
        "gen_ai.response.time_to_first_chunk": 0.4, "openrouter.app.url": "https://notes.example.com/",
    }.items()  # fmt: skip
    assert all(each["value"] != {"stringValue": ""} for each in span["attributes"])


def test_cost_identity_and_context_are_left_out_unless_they_are_chosen(account, clock):
    failed = make_request(account, external_user="u-1", session_id="s-1", error_status=502, finish_reason="")
    text = event_of(failed, Shown()).span.decode()
    assert "cost" not in text and "u-1" not in text and "s-1" not in text
    assert '"status":{"code":2}' in text and '{"key":"error.type","value":{"stringValue":"502"}}' in text


def documented_check():
    """The function of the documentation that checks a request's signature."""
    samples = samples_in("broadcast", current().by_slug["broadcast"].markdown)
    (sample,) = (each for each in samples if each.language == "python")
    program: dict = {}
    exec(sample.code, program)
    return program["is_genuine"]


def test_a_webhook_is_signed_as_the_documentation_says(organisation, account, receiver, clock):
    _, secret, _ = sent(organisation, account, clock, "webhook", {"url": f"{receiver.url}/in?x=1", "method": "PUT"})
    (received,) = receiver.requests
    assert (received.method, received.path) == ("PUT", "/in?x=1")
    is_genuine, now = documented_check(), utc_now().timestamp()
    assert is_genuine(secret, received.headers, received.body, now)
    assert not is_genuine(secret, received.headers, received.body + b" ", now)
    assert not is_genuine(secret, received.headers, received.body, now + 600)
    assert not is_genuine("whsec_AAAA", received.headers, received.body, now)
    timestamp = int(received.headers["webhook-timestamp"])
    assert received.headers["webhook-signature"] == webhook.signature(
        secret, received.headers["webhook-id"], timestamp, received.body
    )  # one signature, nothing else, unless the secret was renewed


def accepting(destination, receiver, secrets):
    """Which of the secrets a receiver may have to accept a delivery of this moment, and how many signatures it has."""
    assert delivering.test(destination) == ""
    received, is_genuine = receiver.requests[-1], documented_check()
    accepted = [is_genuine(each, received.headers, received.body, utc_now().timestamp()) for each in secrets]
    return accepted, received.headers["webhook-signature"].count("v1,")


def test_both_secrets_sign_for_a_day_after_a_renewal(organisation, receiver, clock):
    destination, first = saving.create(organisation, None, "webhook", {"url": receiver.url}, name="Mine")
    destination, second = saving.renew_secret(destination)
    assert accepting(destination, receiver, [first, second]) == ([True, True], 2)
    assert receiver.requests[-1].headers["webhook-signature"].startswith("v1,")
    clock.advance(hours=23)
    destination, third = saving.renew_secret(destination)
    assert accepting(destination, receiver, [first, second, third]) == ([True, True, True], 3)
    destination = saving.change(destination, {"url": f"{receiver.url}/new"})  # keeps all of them
    clock.advance(minutes=59, seconds=58)
    assert accepting(destination, receiver, [first, second, third]) == ([True, True, True], 3)
    clock.advance(seconds=2)
    assert accepting(destination, receiver, [first, second, third]) == ([False, True, True], 2)
    assert saving.old_secrets_end_at(destination) is not None
    clock.advance(hours=23)
    assert accepting(destination, receiver, [first, second, third]) == ([False, False, True], 1)
    assert saving.old_secrets_end_at(destination) is None


def test_an_old_secret_is_given_up_early(organisation, receiver, clock):
    destination, first = saving.create(organisation, None, "webhook", {"url": receiver.url}, name="Mine")
    destination, second = saving.renew_secret(destination)
    destination = saving.stop_old_secrets(destination)
    assert accepting(destination, receiver, [first, second]) == ([False, True], 1)
    assert first not in str(saving.config_of(destination))


def test_a_secret_that_is_renewed_again_and_again_keeps_the_newest_few(organisation, receiver, clock):
    destination, first = saving.create(organisation, None, "webhook", {"url": receiver.url}, name="Mine")
    secrets = [first]
    for _ in range(webhook.MAX_OLD_SECRETS + 1):
        destination, secret = saving.renew_secret(destination)
        secrets.append(secret)
    kept = webhook.MAX_OLD_SECRETS + 1
    assert accepting(destination, receiver, secrets) == ([False, *[True] * kept], kept)


def test_secrets_are_encrypted_and_never_shown(organisation, receiver, clock):
    destination, first = saving.create(organisation, None, "webhook", {"url": receiver.url}, name="Mine")
    destination, second = saving.renew_secret(destination)
    shown = destination.config + str(saving.public_config(destination))
    assert "whsec_" not in shown and first not in shown and second not in shown


def test_only_webhooks_have_a_secret(collector):
    for act in (saving.renew_secret, saving.stop_old_secrets):
        with pytest.raises(NotFound):
            act(collector)
    assert saving.old_secrets_end_at(collector) is None


def test_s3_gets_a_compressed_file_whose_signature_is_right(organisation, account, receiver, clock):
    clock.set(datetime(2026, 11, 30, 10, 15, tzinfo=UTC))
    config = S3 | {"endpoint": f"{receiver.url}/", "region": "eu-central-1", "sessionToken": "temporary"}
    _, _, request = sent(organisation, account, clock, "s3", config)
    (received,) = receiver.requests
    assert re.fullmatch(r"/logs/a%20b/2026-11-30/20261130T101500Z-[0-9a-f]{32}\.jsonl\.gz", received.path), (
        received.path
    )
    assert attributes(received.spans[0])["gen_ai.response.id"] == request.pk
    given = Credentials("AKIDEXAMPLE", "not-secret", "temporary")
    names = re.search("SignedHeaders=([^,]+)", received.headers["authorization"])[1].split(";")
    assert {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= set(names)
    own = {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
    unsigned = Outgoing(
        received.method,
        receiver.url + received.path,
        {name: received.headers[name] for name in names if name not in own},
        received.body,
    )
    at = datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    expected = signed(unsigned, given, "eu-central-1", at).headers["Authorization"]
    assert received.headers["authorization"] == expected
    assert received.headers["x-amz-security-token"] == "temporary"


def test_without_an_endpoint_a_bucket_is_amazons():
    config = KINDS["s3"].checked(S3 | {"pathTemplate": "{year}/{month}/{day}/{hour}", "region": "eu-west-1"})
    event = event_of(make_unsaved(), Shown())
    outgoing = KINDS["s3"].outgoing(config, [event], event.at)
    assert outgoing.url.startswith("https://logs.s3.eu-west-1.amazonaws.com/2026/11/30/07/")
    again = KINDS["s3"].outgoing(config, [event], event.at)
    assert (again.url, again.body) == (outgoing.url, outgoing.body)  # a batch that is sent twice replaces itself


def make_unsaved() -> Generation:
    return Generation(id="gen-1", model="a/b", created_at=datetime(2026, 11, 30, 7, tzinfo=UTC))


# The examples that AWS publishes for signatures of S3 requests with one chunk.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
BUCKET = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        ("GET", "/test.txt", {"Range": "bytes=0-9"}, b"",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "/test%24file.text",
         {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
         b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "/?lifecycle", {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?prefix=J&max-keys=2", {}, b"", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_published_examples(method, path, headers, body, signature):
    request = Outgoing(method, BUCKET + path, headers, body)
    made = signed(request, EXAMPLE, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC)).headers["Authorization"]
    assert urlsplit(request.url).netloc and made.endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("kind", "config", "problem"),
    [
        ("otel-collector", {}, "endpoint: "),
        ("otel-collector", {"endpoint": "ftp://example.com"}, "endpoint: "),
        ("otel-collector", {"endpoint": "https://me:secret@example.com"}, "endpoint: put user name"),
        ("otel-collector", {"endpoint": "https://example.com", "headers": {"Host": "x"}}, "headers: Host"),
        ("otel-collector", {"endpoint": "https://example.com", "headers": {"a b": "x"}}, "headers: 'a b'"),
        ("otel-collector", {"endpoint": "https://example.com", "headers": {"A": "x\r\nB: y"}}, "headers: A"),
        ("webhook", {"url": "https://example.com", "method": "DELETE"}, "method: "),
        ("webhook", {"url": "https://example.com", "headers": {"Webhook-Signature": "x"}}, "headers: Webhook"),
        ("s3", S3 | {"bucketName": "../x"}, "bucketName: "),
        ("s3", S3 | {"pathTemplate": "{password}"}, "pathTemplate: {password}"),
        ("s3", S3 | {"region": "evil.example.com/"}, "region: "),
        ("s3", S3 | {"secretAccessKey": ""}, "secretAccessKey: "),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(kind, config, problem):
    with pytest.raises(InvalidRequest) as refused:
        KINDS[kind].checked(config)
    assert refused.value.message.startswith(problem)


def test_private_addresses_are_not_reached_and_redirects_not_followed(organisation, receiver, settings, clock):
    destination, _ = saving.create(organisation, None, "webhook", {"url": receiver.url}, name="Mine")
    receiver.status = 307
    assert "redirects elsewhere (307)" in delivering.test(destination)
    settings.FETCH_ALLOWED_NETWORKS = []
    assert delivering.test(destination) == "The address is not public."
    assert len(receiver.requests) == 1
