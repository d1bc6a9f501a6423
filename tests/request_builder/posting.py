"""Forms as a browser posts them, and what comes back."""

import html
import json
import re
from typing import Any

from django.test import Client

__all__ = ["PATH", "code_in", "fields", "notes_in", "result"]

PATH = "/request-builder"


def fields(api: str = "chat/completions", *said: str, **values: Any) -> dict[str, Any]:
    """The posted fields: messages of the user, and other fields by name."""
    texts = list(said) or ["Hello"]
    messages = {"role": ["user"] * len(texts), "text": texts, "image": [""] * len(texts)}
    return {"api": api, "shown": api, "model": "openai/gpt-4o-mini", **messages, **values}


def result(client: Client, posted: dict[str, Any]) -> str:
    """The part of the page that the form makes, as htmx asks for it."""
    response = client.post(PATH, posted, headers={"HX-Request": "true", "HX-Target": "result"})
    assert response.status_code == 200
    return response.content.decode()


def code_in(page: str) -> dict[str, str]:
    """The programs on a page, by name."""
    found = re.findall(r'id="code-(\w+)".*?<code data-language="\w+">(.*?)</code>', page, re.DOTALL)
    return {name: html.unescape(code) for name, code in found}


def notes_in(page: str) -> dict[str, Any]:
    """The faults that the page's script shows beside fields."""
    found = re.search(r'data-notes="(.*?)"', page)
    assert found
    notes: dict[str, Any] = json.loads(html.unescape(found[1]))
    return notes
