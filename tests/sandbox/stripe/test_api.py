"""The common rules of all addresses: keys, versions, parameters, lists, expansion."""

import re
import socket

import pytest
import requests
import stripe

from tests.sandbox.stripe.world import KEY


def call(shop, path, method="GET", key=KEY, **options):
    headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
    return requests.request(method, f"{shop.address}{path}", headers=headers, timeout=20, **options)


@pytest.mark.parametrize(
    "key", ["sk_live_abc", "sk_test_abc", "rk_test_local_abc", "pk_test_local_abc", "sk_test_local_", "nonsense"]
)
def test_only_keys_of_this_machine_are_accepted(shop, key):
    client = stripe.StripeClient(key, base_addresses={"api": shop.address}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided") as error:
        client.v1.customers.list()
    assert error.value.http_status == 401
    assert f"{key[:8]}****" in str(error.value)


def test_a_request_without_a_key_gets_an_error_that_explains_keys(shop):
    answer = requests.get(f"{shop.address}/v1/customers", timeout=20)
    assert answer.status_code == 401 and "You did not provide an API key" in answer.json()["error"]["message"]


def test_a_key_may_come_as_a_user_name(shop):
    assert requests.get(f"{shop.address}/v1/customers", auth=(KEY, ""), timeout=20).status_code == 200


def test_another_api_version_is_refused(shop):
    answer = call(shop, "/v1/customers", headers={"Stripe-Version": "2020-08-27"})
    assert answer.status_code == 400 and "Invalid Stripe API version: 2020-08-27" in answer.text


def test_an_address_that_does_not_exist_is_named(shop):
    for method, path in (("GET", "/v1/invoices"), ("POST", "/v1/events"), ("DELETE", "/v1/refunds/re_1")):
        answer = call(shop, path, method)
        assert answer.status_code == 404
        assert f"Unrecognized request URL ({method}: {path})" in answer.json()["error"]["message"]


def test_a_json_body_is_refused(shop):
    answer = call(shop, "/v1/customers", "POST", json={"email": "a@example.com"})
    assert answer.status_code == 400 and "x-www-form-urlencoded" in answer.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("email=a%ff", "not valid UTF-8"),
        ("metadata[a]=1&metadata=2", "more than one value"),
        ("email=a@example.com&email=b@example.com", "more than one value"),
        ("metadata[a][b]=1", "must be pairs of strings"),
        ("[x]=1", "Invalid parameter name"),
        ("a[b][c][d][e][f][g]=1", "nested too deeply"),
        ("&".join(f"metadata[k{n}]=1" for n in range(51)), "at most 50 keys"),
        ("&".join(f"k{n}=1" for n in range(1001)), "More than 1000 parameters"),
        ("nmae=Alice", "unknown parameter: nmae"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(shop, body, message):
    answer = call(
        shop, "/v1/customers", "POST", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400 and message in answer.json()["error"]["message"]


def test_metadata_with_numbers_for_names_stays_pairs(shop):
    customer = shop.customer(metadata={"0": "a", "1": "b", "2": ""})
    assert customer.metadata.to_dict() == {"0": "a", "1": "b"}


def test_metadata_may_begin_with_an_underscore(shop):
    session = shop.session(metadata={"_x": "1"}, customer=shop.customer(metadata={"_y": "2"}).id, expand=["customer"])
    assert (session.metadata["_x"], session.customer.metadata["_y"]) == ("1", "2")


def test_the_sandbox_s_own_notes_are_never_shown(shop, buyer):
    session = shop.session()
    buyer.pay(session)
    for path in (
        f"checkout/sessions/{session.id}?expand[]=payment_intent.payment_method",
        "events?limit=20",
    ):
        assert not re.search(r'"_(?!x|y)', call(shop, f"/v1/{path}").text)
        assert "4242424242424242" not in call(shop, f"/v1/{path}").text


def test_lists_are_newest_first_and_turn_their_pages(shop):
    made = [shop.customer(email="paging@example.com").id for _ in range(5)]
    page = shop.v1.customers.list({"email": "paging@example.com", "limit": 2})
    assert [each.id for each in page] == [made[4], made[3]] and page.has_more
    page = shop.v1.customers.list({"email": "paging@example.com", "limit": 3, "starting_after": made[3]})
    assert [each.id for each in page] == [made[2], made[1], made[0]] and not page.has_more
    assert [
        each.id for each in shop.v1.customers.list({"email": "paging@example.com", "limit": 2}).auto_paging_iter()
    ] == made[::-1]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "cus_nothing"}, "starting_after"),
        ({"mood": "x"}, "mood"),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(shop, given, param):
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.customers.list(given)
    assert (error.value.http_status, error.value.param) == (400, param)


def test_lists_are_narrowed_by_time(shop):
    since = shop.now() + 1000
    shop.control("clock", seconds=1000)
    payment = shop.paid()
    assert [each.id for each in shop.v1.payment_intents.list({"created": {"gte": since}})] == [payment.id]
    assert [each.id for each in shop.v1.payment_intents.list({"created": payment.created})] == [payment.id]
    assert payment.id not in [
        each.id for each in shop.v1.payment_intents.list({"created": {"lt": since}, "limit": 100})
    ]
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.payment_intents.list({"created": {"around": 5}})
    assert error.value.param == "created[around]"


def test_expansion_reaches_into_lists_and_objects(shop, buyer):
    session = shop.session()
    buyer.pay(session)
    payment = shop.reload(session).payment_intent
    (listed,) = shop.v1.payment_intents.list({"limit": 1, "expand": ["data.latest_charge", "data.customer"]}).data
    assert (listed.id, listed.latest_charge.amount) == (payment, 1080)
    assert listed.customer.email == "alice@example.com"
    assert shop.reload(session, "payment_intent.latest_charge").setup_intent is None


@pytest.mark.parametrize(
    "path",
    [
        "mood",
        "amount",
        "metadata.x.y",
        "data.customer",
        "latest_charge.mood",
        "latest_charge.payment_intent.latest_charge.payment_intent.customer",
    ],
)
def test_what_cannot_be_expanded_is_refused(shop, path):
    payment = shop.paid()
    with pytest.raises(
        stripe.InvalidRequestError, match=r"cannot be expanded|cannot expand more than 4 levels"
    ) as error:
        shop.v1.payment_intents.retrieve(payment.id, {"expand": [path]})
    assert error.value.http_status == 400


@pytest.mark.parametrize("kind", ["customers", "payment_intents", "disputes", "payment_methods"])
def test_what_does_not_exist_is_a_404(shop, kind):
    with pytest.raises(stripe.InvalidRequestError, match="No such") as error:
        getattr(shop.v1, kind).retrieve("xx_nothing")
    assert (error.value.http_status, error.value.code) == (404, "resource_missing")


def test_an_id_of_another_kind_is_not_found(shop):
    with pytest.raises(stripe.InvalidRequestError, match="No such dispute"):
        shop.v1.disputes.retrieve(shop.customer().id)


def test_every_answer_carries_a_request_id(shop):
    assert shop.customer().last_response.request_id.startswith("req_")
    assert call(shop, "/v1/nothing").headers["Request-Id"].startswith("req_")


def test_another_host_name_gets_nothing(shop):
    for host in ("evil.example", "evil.example:8020"):
        assert call(shop, "/v1/customers", headers={"Host": host}).status_code == 400


def test_it_listens_on_the_loopback_address_only(shop):
    port = int(shop.address.rsplit(":", 1)[1])
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in addresses or {"127.0.0.2"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex((address, port)) != 0
