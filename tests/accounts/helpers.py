"""Helpers for tests of sign-up and sign-in."""

import base64
import hmac
import os
import re
import struct
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User

PASSWORD = "a long enough passphrase"

# Targets in forged links that must not be followed after sign-in.
HOSTILE_TARGETS = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example",
    "/\\evil.example",
]


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is most of the time of signing in."""

    count = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.count += 1
        return super().encode(password, salt)


def sign_up(client: Client, email: str = "ada@example.com", **more: str):
    return client.post(reverse("account_signup"), {"email": email, "password1": PASSWORD, **more})


def sign_in(client: Client, email: str = "ada@example.com", password: str = PASSWORD, **more: str):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def confirm(client: Client, password: str = PASSWORD) -> None:
    """Enter the password once more, as before a change to what protects the account."""
    client.post(reverse("account_reauthenticate"), {"password": password})


def links_in(message: mail.EmailMessage) -> list[str]:
    """Return the paths of the links in an email."""
    return re.findall(r"https?://[^/\s]+(/\S*)", str(message.body))


def verification_link(address: str) -> str:
    """Return the newest verification link sent to the address."""
    for message in reversed(mail.outbox):
        if message.to == [address]:
            for link in links_in(message):
                if link.startswith("/account/confirm-email/"):
                    return link
    raise AssertionError(f"no verification link was sent to {address}")


def text_of(response) -> str:
    """Return the page without tokens and addresses, which differ between two requests."""
    page = response.content.decode()
    page = re.sub(r'(csrfmiddlewaretoken" value|name="csrf-token" content|nonce)="[^"]*"', r'\1=""', page)
    return re.sub(r'value="[^"]*@[^"]*"', 'value=""', page)


def totp(secret: str) -> str:
    """Return the code that an authenticator app with this key shows now, and for three more seconds at least."""
    if (left := 30 - time.time() % 30) < 3:
        time.sleep(left)
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 0x0F
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def add_app(user: User) -> str:
    """Give the user an authenticator app with recovery codes and return its key."""
    secret = base64.b32encode(os.urandom(20)).decode()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def recovery_codes(user: User) -> list[str]:
    return Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
