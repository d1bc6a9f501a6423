"""Replacing SECRET_KEY, as docs/operations/keys-rotation.md says."""

import pytest
from django.urls import reverse

from common import encryption


def test_a_former_secret_key_keeps_sessions_and_secrets_until_it_is_removed(settings, alice_client):
    sealed, former = encryption.encrypt("a provider's key"), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [former]
    assert alice_client.get(reverse("keys:keys")).status_code == 200
    rotated = encryption.rotate(sealed)

    settings.SECRET_KEY_FALLBACKS = []
    assert alice_client.get(reverse("keys:keys")).status_code == 200  # the session was renewed
    assert encryption.decrypt(rotated) == "a provider's key"
    with pytest.raises(encryption.Undecryptable):
        encryption.decrypt(sealed)


def test_without_the_former_key_people_are_signed_out(settings, alice_client):
    settings.SECRET_KEY = "n" * 50
    assert alice_client.get(reverse("keys:keys")).status_code == 302
