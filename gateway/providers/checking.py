"""Asking a provider whether it takes a key, and saying in plain words what came back.

Texts of the provider are not repeated: some of them quote the key.
"""

from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from gateway.routing.upstreams import Upstream

from . import anthropic, google, openai_chat

__all__ = ["Finding", "check"]

#: Seconds to wait for the provider.
TIMEOUT = 15.0

_AUTHORIZATION = {
    "anthropic": anthropic.authorization,
    "google": google.authorization,
    "openai_chat": openai_chat.authorization,
}


class Finding(msgspec.Struct, frozen=True):
    """The result of a check: whether the key works, a sentence that says so, and whether the provider rejects it."""

    works: bool
    text: str
    is_rejected: bool = False


def check(upstream: Upstream, name: str, model: str, *, needs_key: bool = False) -> Finding:
    """Ask for the provider's list of models, or for one token of `model` if it has no list. Blocks.

    With `needs_key`, also if it shows its list without a key: then the list says nothing about this one.
    """
    headers = {**_AUTHORIZATION[upstream.protocol](upstream.api_key), "Accept": "application/json"}
    try:
        with httpx.Client(timeout=TIMEOUT) as client:
            response = client.get(f"{upstream.base_url}/models", headers=headers)
            is_public = False
            if needs_key and response.status_code == 200 and upstream.protocol == "openai_chat":
                is_public = client.get(f"{upstream.base_url}/models").status_code == 200
            has_no_list = is_public or response.status_code in {404, 405, 501}
            if has_no_list and upstream.protocol == "openai_chat" and model:
                body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
                response = client.post(f"{upstream.base_url}/chat/completions", headers=headers, json=body)
    except httpx.TimeoutException:
        return Finding(
            False, f"{name} didn't answer within {TIMEOUT:.0f} seconds. Try again, or check its status page."
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        host = urlsplit(upstream.base_url).netloc
        return Finding(False, f"Couldn't connect to {name} at {host}. Check the address and this server's network.")
    return _finding(response, name)


def _finding(response: httpx.Response, name: str) -> Finding:
    status = response.status_code
    if status == 200:
        return _accepted(_decoded(response), name)
    if status in {401, 403} or _is_invalid_key(response):
        text = f"{name} rejected the key ({status}). Check that it is complete and still active."
        return Finding(False, text, is_rejected=True)
    if status == 402:
        return Finding(False, f"{name} knows the key, but its account has no credits (402). Add credits there.")
    if status == 429:
        wait = response.headers.get("Retry-After", "")
        pause = f" It asks to wait {wait} seconds." if wait.isdigit() else ""
        return Finding(False, f"{name} is rate limiting the key (429).{pause}")
    if status in {404, 405}:
        return Finding(
            False, f"The server at the address of {name} has no list of models ({status}). Check the address."
        )
    if 300 <= status < 400:
        return Finding(False, f"The address of {name} redirects elsewhere ({status}). Enter the address it leads to.")
    if status >= 500:
        return Finding(False, f"{name} has a problem of its own ({status}). Try again later.")
    return Finding(False, f"{name} refused the request ({status}).")


def _accepted(body: Any, name: str) -> Finding:
    if not isinstance(body, dict):
        return Finding(False, f"{name} answered, but not with JSON. Check the address: it may be that of a web page.")
    models = next((body[field] for field in ("data", "models") if isinstance(body.get(field), list)), None)
    if models is None:
        return Finding(True, f"{name} accepted the key and answered a request for one token.")
    more = " or more" if body.get("has_more") or body.get("nextPageToken") else ""
    return Finding(True, f"{name} accepted the key and lists {len(models)}{more} model{'s' * (len(models) != 1)}.")


def _decoded(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_invalid_key(response: httpx.Response) -> bool:
    # Google answers 400 to a key that it does not know.
    return response.status_code == 400 and "API_KEY_INVALID" in response.text[:4000]
