"""Requests, without any package for models."""

import json

import requests
from feature import KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, feature


def ask(**body):
    response = requests.post(
        f"{SITE}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {KEY}"},
        json={"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], **body},
        stream=body.get("stream", False),
        timeout=60,
    )
    response.raise_for_status()
    return response


@feature
def answer():
    assert ask().json()["choices"][0]["message"]["content"]


@feature
def stream():
    lines = [line for line in ask(stream=True).iter_lines(decode_unicode=True) if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert chunks[-1]["usage"]["cost"] > 0


@feature
def images():
    content = [{"type": "text", "text": PICTURE_QUESTION}, {"type": "image_url", "image_url": {"url": PICTURE_URL}}]
    reply = ask(messages=[{"role": "user", "content": content}]).json()
    assert "image" in reply["choices"][0]["message"]["content"]
