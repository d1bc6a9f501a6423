"""Requests as programs in Python."""

from collections.abc import Iterable
from typing import Any

from .call import Call
from .literals import PYTHON, literal
from .packages import Package
from .replies import reply_of

__all__ = ["with_httpx", "with_package", "with_requests"]

_KEY = 'os.environ["OPENROUTER_API_KEY"]'
#: Server-sent events, read as lines of bytes: other line breaks are part of a text.
_EVENT = """\
{indent}if line.startswith(b"data: ") and line != b"data: [DONE]":
{indent}    event = json.loads(line[6:])
{indent}    print({piece}, end="", flush=True)
"""


def with_package(call: Call, package: Package) -> str:
    """A program with the package of OpenAI or Anthropic. Fields that its method lacks are sent as `extra_body`."""
    client = [
        f"base_url={literal(call.api.removesuffix('/api/v1') + package.base, PYTHON)}",
        f"api_key={_KEY}",
    ]
    if call.headers:
        client.append(f"default_headers={literal(call.headers, PYTHON, 1, 20)}")
    own = {name: value for name, value in call.body.items() if name in package.fields}
    extra = {name: value for name, value in call.body.items() if name not in package.fields}
    arguments = [f"{name}={literal(value, PYTHON, 1, len(name) + 5)}" for name, value in own.items()]
    if extra:
        arguments.append(f"extra_body={literal(extra, PYTHON, 1, 15)}")
    whole = package.calls if call.calls_tools else package.whole
    show = (
        f'for event in reply:\n    print({package.piece[0]}, end="", flush=True)\nprint()\n'
        if call.streams
        else f"print({whole[0]})\n"
    )
    return (
        f"import os\n\nfrom {package.package} import {package.client}\n\n"
        f"client = {_called(package.client, client)}\n\n"
        f"reply = {_called(f'client.{package.call}', arguments)}\n{show}"
    )


def with_requests(call: Call) -> str:
    """A program with the package `requests`."""
    arguments = _arguments(call)
    if not call.streams:
        return (
            f"import os\n\nimport requests\n\nresponse = {_called('requests.post', arguments)}\n"
            f"response.raise_for_status()\nreply = response.json()\nprint({reply_of(call).python_whole})\n"
        )
    event = _EVENT.format(indent="        ", piece=reply_of(call).python_piece)
    return (
        "import json\nimport os\n\nimport requests\n\n"
        f"with {_called('requests.post', [*arguments, 'stream=True'])} as response:\n"
        f"    response.raise_for_status()\n    for line in response.iter_lines():\n{event}print()\n"
    )


def with_httpx(call: Call) -> str:
    """A program with the package `httpx`."""
    arguments = _arguments(call)
    if not call.streams:
        return (
            f"import os\n\nimport httpx\n\nresponse = {_called('httpx.post', arguments)}\n"
            f"response.raise_for_status()\nreply = response.json()\nprint({reply_of(call).python_whole})\n"
        )
    called = _called("httpx.stream", ['"POST"', *arguments])
    event = _EVENT.format(indent="            ", piece=reply_of(call).python_piece)
    return (
        "import json\nimport os\n\nimport httpx\n\n"
        f"with {called} as response:\n"
        '    response.raise_for_status()\n    rest = b""\n    for part in response.iter_bytes():\n'
        f'        *lines, rest = (rest + part).split(b"\\n")\n        for line in lines:\n{event}print()\n'
    )


def _arguments(call: Call) -> list[str]:
    authorization = '"Authorization": f"Bearer {os.environ[\'OPENROUTER_API_KEY\']}"'
    others = [f"{literal(name, PYTHON)}: {literal(value, PYTHON)}" for name, value in call.headers.items()]
    headers = "".join(f"\n        {each}," for each in (authorization, *others))
    return [
        literal(call.url, PYTHON),
        f"headers={{{headers}\n    }}" if others else f"headers={{{authorization}}}",
        f"json={literal(call.body, PYTHON, 1, 9)}",
        "timeout=300",
    ]


def _called(name: str, arguments: Iterable[Any]) -> str:
    return f"{name}(\n" + "".join(f"    {each},\n" for each in arguments) + ")"
