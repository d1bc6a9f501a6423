"""API keys of Coinbase: reading them, and purchases without one."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from django.utils import timezone

from billing.models import Purchase
from billing.payments import purchases, sweeps
from billing.providers import coinbase, types
from billing.providers.coinbase import tokens
from tests.billing.conftest import credits_of

State = Purchase.State


def ec_key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return key, text.decode()


@pytest.mark.parametrize("write", [str, lambda pem: pem.replace("\n", "\\n")], ids=["lines", "one line"])
def test_an_ecdsa_key_signs_tokens(write):
    key, pem = ec_key()

    token = tokens.bearer_token("my key", write(pem), "GET", "business.example/api/v1/checkouts")
    header, claims, signature = token.split(".")

    assert json.loads(decoded(header))["alg"] == "ES256"
    payload = json.loads(decoded(claims))
    assert (payload["sub"], payload["iss"], payload["exp"] - payload["nbf"]) == ("my key", "cdp", 120)
    assert payload["uris"] == [payload["uri"]] == ["GET business.example/api/v1/checkouts"]
    raw = decoded(signature)
    halves = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(encode_dss_signature(*halves), f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("secret", ["", "nonsense", "AAAA", "-----BEGIN KEY-----\nx\n-----END KEY-----", "é" * 88])
def test_an_invalid_key_is_rejected_without_repeating_it(secret):
    with pytest.raises(types.CredentialsRejected, match="COINBASE_API_KEY_SECRET") as refused:
        tokens.bearer_token("id", secret, "GET", "x")
    assert not secret or secret not in str(refused.value)


def test_a_rejected_api_key_is_named(crypto, usdc_purchase, settings):
    settings.SANDBOX_COINBASE_KEY_ID = "other"

    with pytest.raises(types.CredentialsRejected, match="COINBASE_API_KEY_ID"):
        purchases.sync(usdc_purchase)


def test_without_an_api_key_no_requests_are_made(crypto, usdc_purchase, settings):
    settings.COINBASE_IS_SANDBOX = False

    assert not coinbase.is_configured()
    with pytest.raises(types.CredentialsRejected, match="COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET"):
        purchases.sync(usdc_purchase)
    assert sweeps.sweep() == 0
    assert sweeps.recover_missed_payments() == 0
    assert Purchase.objects.get().state == State.OPEN


def test_a_page_expires_without_an_api_key_and_its_payment_is_found_with_one(
    crypto, usdc_purchase, empty_account, settings
):
    crypto.pay(usdc_purchase)
    Purchase.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    settings.COINBASE_IS_SANDBOX = False
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED

    settings.COINBASE_IS_SANDBOX = True
    assert sweeps.recover_missed_payments() == 1
    assert credits_of(empty_account) == 1000
