"""`/api/v1/observability/destinations`: servers that get usage events."""

from uuid import uuid4

import pytest

from broadcast.destinations import saving
from broadcast.models import Destination
from keys import issuing
from tests.accounts.organisations.conftest import acme, ada, cem  # noqa: F401
from tests.api.description.test_documented_answers import assert_answer
from tests.api.responses import client_with
from tests.broadcast.conftest import receiver  # noqa: F401

LIST = "/observability/destinations"
ONE = f"{LIST}/{{id}}"
HOOK = {"url": "https://hooks.example.com/in", "headers": {"Authorization": "Bearer quartz"}}
S3 = {"bucketName": "logs", "accessKeyId": "AKID", "secretAccessKey": "quartz"}


@pytest.fixture
def client(acme, ada):  # noqa: F811
    return client_with(issuing.create(acme, ada, "Deploy", is_management=True)[1])


def send(client, operation: str, public_id: str = "", **options):
    return assert_answer(client, operation, operation.split()[1].replace("{id}", public_id), **options)


def test_a_destination_is_created_read_changed_and_deleted(client, acme, ada):  # noqa: F811
    key, _ = issuing.create(acme, ada, "App")
    body = {
        "type": "webhook", "name": "Hook \u202e", "config": HOOK, "sampling_rate": 0.25, "privacy_mode": True,
        "api_key_hashes": [key.hash], "broadcast_generation_cost": True, "workspace_id": acme.workspace_id,
    }  # fmt: skip
    answer = send(client, f"POST {LIST}", body=body, status=201)
    made = answer["data"]
    assert answer["signing_secret"].startswith("whsec_")
    assert (made["name"], made["sampling_rate"], made["api_key_hashes"]) == ("Hook", 0.25, [key.hash])
    assert made["config"] == {"url": HOOK["url"], "method": "POST", "headers": {"Authorization": "********"}}
    assert (made["enabled"], made["broadcast_generation_cost"], made["broadcast_generation_identity"]) == (
        True, True, False,
    )  # fmt: skip
    assert send(client, f"GET {ONE}", made["id"]) == {"data": made}
    changes = {"config": {"method": "PUT", "headers": made["config"]["headers"]}, "api_key_hashes": None}
    changed = send(client, f"PATCH {ONE}", made["id"], body=changes)["data"]
    assert changed["config"]["method"] == "PUT" and changed["config"]["url"] == HOOK["url"]
    assert changed["api_key_hashes"] is None and changed["sampling_rate"] == 0.25
    stored = Destination.objects.get()
    assert saving.config_of(stored)["headers"] == HOOK["headers"]  # the mask kept it
    assert "quartz" not in stored.config and "hooks.example.com" not in stored.config
    assert send(client, f"GET {LIST}", workspace_id=acme.workspace_id) == {"data": [changed], "total_count": 1}
    assert send(client, f"DELETE {ONE}", made["id"]) == {"deleted": True}
    send(client, f"GET {ONE}", made["id"], status=404)


def test_each_kind_has_its_configuration_without_secrets(client):
    endpoint = {"endpoint": "https://otel.example.com"}
    otlp = send(client, f"POST {LIST}", body={"type": "otel-collector", "name": "O", "config": endpoint}, status=201)
    assert otlp["data"]["config"] == {"endpoint": "https://otel.example.com/v1/traces", "headers": {}}
    s3 = send(client, f"POST {LIST}", body={"type": "s3", "name": "S", "config": S3}, status=201)
    assert s3["data"]["config"].items() >= {"accessKeyId": "AKID", "secretAccessKey": "********"}.items()
    send(client, f"PATCH {ONE}", s3["data"]["id"], body={"config": {"secretAccessKey": "********", "prefix": "x"}})
    assert saving.config_of(Destination.objects.get(kind="s3")).items() >= {**S3, "prefix": "x"}.items()
    assert "signing_secret" not in s3


@pytest.mark.parametrize(
    "body",
    [
        {"type": "datadog"},
        {"config": {"url": "nowhere"}},
        {"name": " \u200b"},
        {"sampling_rate": 0},
        {"sampling_rate": 1.5},
        {"privacy_mode": None},
        {"api_key_hashes": ["0" * 64]},
        {"api_key_hashes": []},
        {"filter_rules": {"groups": []}},
        {"workspace_id": str(uuid4())},
    ],
)
def test_what_cannot_be_is_refused(client, body):
    send(client, f"POST {LIST}", body={"type": "webhook", "name": "Hook", "config": HOOK} | body, status=400)
    assert not Destination.objects.exists()


def test_a_kind_has_five_destinations_at_most(client):
    body = {"type": "webhook", "name": "Hook", "config": HOOK}
    for _ in range(saving.MAX_OF_KIND):
        send(client, f"POST {LIST}", body=body, status=201)
    send(client, f"POST {LIST}", body=body, status=409)
    send(client, f"POST {LIST}", body=body | {"type": "s3", "config": S3}, status=201)


def test_those_of_other_organizations_are_not_found(client, cem):  # noqa: F811
    other, _ = saving.create(cem.personal_organisation, cem, "webhook", HOOK, name="Other")
    for operation, body in ((f"GET {ONE}", None), (f"PATCH {ONE}", {"name": "Mine"}), (f"DELETE {ONE}", None)):
        for public_id in (str(other.public_id), str(uuid4()), "x"):
            send(client, operation, public_id, body=body, status=404)
    assert client.post(f"/api/v1{LIST}/{other.public_id}/test").status_code == 404
    assert send(client, f"GET {LIST}")["total_count"] == 0 and Destination.objects.get().name == "Other"


def test_a_test_sends_one_sample(client, receiver):  # noqa: F811
    config = {"url": receiver.url}
    made = send(client, f"POST {LIST}", body={"type": "webhook", "name": "Hook", "config": config}, status=201)
    url = f"/api/v1{LIST}/{made['data']['id']}/test"
    assert client.post(url).json() == {"accepted": True, "message": None}
    receiver.status = 401
    answer = client.post(url).json()
    assert answer == {"accepted": False, "message": "The server returned status 401 Unauthorized."}
    assert [len(each.spans) for each in receiver.requests] == [1, 1]
