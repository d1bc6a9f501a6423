"""Requests as programs in TypeScript that are valid JavaScript too, for Node."""

from .call import Call
from .literals import JAVASCRIPT, literal
from .packages import Package
from .replies import reply_of

__all__ = ["with_fetch", "with_package"]


def with_package(call: Call, package: Package) -> str:
    """A program with the package of OpenAI or Anthropic."""
    source = {"anthropic": "@anthropic-ai/sdk"}.get(package.package, package.package)
    base = literal(call.api.removesuffix("/api/v1") + package.base, JAVASCRIPT)
    headers = f"  defaultHeaders: {literal(call.headers, JAVASCRIPT, 1, 18)},\n" if call.headers else ""
    whole = package.calls if call.calls_tools else package.whole
    show = (
        f"for await (const event of reply) process.stdout.write({package.piece[1]});\nconsole.log();\n"
        if call.streams
        else f"console.log({whole[1]});\n"
    )
    return (
        f'import {package.client} from "{source}";\n\n'
        f"const client = new {package.client}({{\n  baseURL: {base},\n"
        f"  apiKey: process.env.OPENROUTER_API_KEY,\n{headers}}});\n\n"
        f"const reply = await client.{package.call}({literal(call.body, JAVASCRIPT)});\n{show}"
    )


def with_fetch(call: Call) -> str:
    """A program with `fetch`, which needs no package."""
    headers = "".join(
        f"    {literal(name, JAVASCRIPT)}: {literal(value, JAVASCRIPT)},\n" for name, value in call.headers.items()
    )
    request = (
        f"const response = await fetch({literal(call.url, JAVASCRIPT)}, {{\n"
        '  method: "POST",\n  headers: {\n    Authorization: `Bearer ${process.env.OPENROUTER_API_KEY}`,\n'
        f'    "Content-Type": "application/json",\n{headers}  }},\n'
        f"  body: JSON.stringify({literal(call.body, JAVASCRIPT, 1, 24)}),\n}});\n"
        "if (!response.ok || !response.body) throw new Error(await response.text());\n"
    )
    if not call.streams:
        return f"{request}const reply = await response.json();\nconsole.log({reply_of(call).javascript_whole});\n"
    return (
        f"{request}const decoder = new TextDecoder();\n"
        'let rest = "";\n'
        "for await (const bytes of response.body) {\n"
        "  rest += decoder.decode(bytes, { stream: true });\n"
        '  const lines = rest.split("\\n");\n'
        '  rest = lines.pop() ?? "";\n'
        "  for (const line of lines) {\n"
        '    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;\n'
        "    const event = JSON.parse(line.slice(6));\n"
        f"    process.stdout.write({reply_of(call).javascript_piece});\n"
        "  }\n}\nconsole.log();\n"
    )
