"""The stand-ins as real processes, one each for all tests."""

import httpx
import pytest

from tests.sandbox.provider import Providers
from tests.sandbox.stripe.world import Buyer, Receiver, Shop
from tests.support.processes import provider_sandbox, stripe_sandbox

# --- Model providers ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def provider_sandbox_url(tmp_path_factory):
    """Fifty times the real pace, with a record of requests."""
    with provider_sandbox(tmp_path_factory.mktemp("providers"), "--speed", "50", "--record") as url:
        yield url


@pytest.fixture(scope="session")
def provider_client(provider_sandbox_url):
    with httpx.Client(base_url=provider_sandbox_url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def providers(provider_sandbox_url, provider_client, request):
    """The providers as one test meets them: with a session of its own."""
    return Providers(provider_sandbox_url, request.node.name, provider_client)


# --- Payments -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def stripe_sandbox_url(tmp_path_factory):
    with stripe_sandbox(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture
def shop(stripe_sandbox_url):
    """A shop; afterwards no fault is left, and no answer it got disagrees with stripe's own package."""
    shop = Shop(stripe_sandbox_url)
    yield shop
    shop.control("reset")
    assert shop.breaches == []


@pytest.fixture
def buyer():
    return Buyer()


@pytest.fixture
def receiver(shop):
    """A webhook address that receives all events."""
    receiver = Receiver()
    endpoint = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    receiver.secret = endpoint.secret
    yield receiver
    shop.v1.webhook_endpoints.delete(endpoint.id)
    receiver.close()
    assert receiver.forged == 0
