"""Add a server of one's own (Ollama, vLLM, LM Studio, any OpenAI-compatible one), or read its models again."""

import sys
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from models_catalog.loading.own_provider import OwnProviderError, Terms, UnreadableServer, add, pricing_of


class Command(BaseCommand):
    help = "Add an OpenAI-compatible server of your own with all its models, or read its list of models again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help='as people see it, for example "My Ollama"')
        parser.add_argument("url", help="with or without /v1, for example http://localhost:11434")
        parser.add_argument("--key", default="", help="the key that the server asks for, if any")
        parser.add_argument("--key-file", default="", help="a file with the key; - reads standard input")
        parser.add_argument("--prompt-price", help="dollars per million prompt tokens")
        parser.add_argument("--completion-price", help="dollars per million completion tokens")
        parser.add_argument("--free", action="store_true", help="its models cost nothing")
        parser.add_argument("--context", type=int, help="context length of models whose server doesn't tell it")
        parser.add_argument(
            "--tools", action="store_true", default=None, help="models call tools, if the server doesn't tell"
        )
        parser.add_argument("--images", action="store_true", default=None, help="models see images, if it doesn't tell")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            terms = Terms(
                pricing=pricing_of(
                    _dollars(options["prompt_price"]), _dollars(options["completion_price"]), free=options["free"]
                ),
                context_length=_positive(options["context"]),
                tools=options["tools"],
                images=options["images"],
            )
            result = add(
                options["name"], options["url"], key=options["key"] or _key_in(options["key_file"]), terms=terms
            )
        except (OwnProviderError, UnreadableServer) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(result))


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite():
        raise OwnProviderError(f"{text!r} is not a price. Use dollars per million tokens, for example 0.15.")
    return price


def _positive(context: int | None) -> int | None:
    if context is not None and not 1 <= context <= 100_000_000:
        raise OwnProviderError("The context length is a number of tokens, for example 32768.")
    return context


def _key_in(file: str) -> str:
    if not file:
        return ""
    try:
        return (sys.stdin.read() if file == "-" else Path(file).read_text()).strip()
    except OSError as error:
        raise OwnProviderError(f"{file} can't be read ({error.strerror}).") from None
