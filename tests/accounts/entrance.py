"""What the tests of signing up and signing in share."""

import re

from django.core import mail
from django.test import Client
from django.urls import reverse

PASSWORD = "a long enough passphrase"

# Where a forged link would like somebody to land after signing in.
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


def sign_up(client: Client, email: str = "ada@example.com", **more: str):
    return client.post(reverse("account_signup"), {"email": email, "password1": PASSWORD, **more})


def sign_in(client: Client, email: str = "ada@example.com", password: str = PASSWORD, **more: str):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def links_in(message: mail.EmailMessage) -> list[str]:
    """The paths of the links in a message."""
    return re.findall(r"https?://[^/\s]+(/\S*)", str(message.body))


def verification_link(address: str) -> str:
    """The newest verification link sent to the address."""
    for message in reversed(mail.outbox):
        if message.to == [address]:
            for link in links_in(message):
                if link.startswith("/account/confirm-email/"):
                    return link
    raise AssertionError(f"no verification link was sent to {address}")


def text_of(response) -> str:
    """The page without what differs between any two requests."""
    page = response.content.decode()
    page = re.sub(r'(csrfmiddlewaretoken" value|name="csrf-token" content|nonce)="[^"]*"', r'\1=""', page)
    return re.sub(r'value="[^"]*@[^"]*"', 'value=""', page)
