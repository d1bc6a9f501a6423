"""Pages: templates, amounts and times as people write them, and the headers of every page."""

import datetime
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.template import Context, Engine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .errors import ProviderError

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_STYLE = (_TEMPLATES / "sandbox.css").read_text()


class Printer:
    """Makes pages from the templates of one stand-in, which build on the common ones."""

    def __init__(self, templates: Path) -> None:
        self._engine = Engine(dirs=[str(templates), str(_TEMPLATES)])

    def page(self, name: str, values: dict[str, Any], status: int = 200, targets: tuple[str, ...] = ()) -> Response:
        """A page whose forms may lead to this site and to the `targets` only.

        A browser applies `form-action` to the redirect after a form as well, so a checkout must name the shop.
        """
        origins = " ".join(sorted({_origin(target) for target in targets if target}))
        policy = (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {origins}".strip()
        )
        html = self._engine.get_template(name).render(Context(values, use_l10n=False, use_tz=False))
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, status, headers)

    def guarded(
        self, view: Callable[[Request], Awaitable[Response]], run_due: Callable[[], None]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The view after everything due was carried out, with its errors shown as pages."""

        async def answer(request: Request) -> Response:
            run_due()
            try:
                return await view(request)
            except (ProviderError, BadForm) as error:
                title = "Page not found" if error.status == 404 else "Request failed"
                return self.page("message.html", {"title": title, "text": str(error)}, error.status)

        return answer


class BadForm(Exception):
    """The form is not for us, or cannot be read. `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, the last one of each name. Raises BadForm for a form of another site."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise BadForm("This form was sent by another site.", 403)
    try:
        pairs = parse_qsl((await request.body()).decode(), max_num_fields=50, errors="strict")
    except ValueError as error:
        raise BadForm("This form cannot be read.", 400) from error
    return {name: value.strip() for name, value in pairs}


def money(cents: int, currency: str) -> str:
    """An amount as people write it: $10.80."""
    sign = {"usd": "$", "eur": "€"}[currency]
    return f"{'-' if cents < 0 else ''}{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def moment(timestamp: int) -> str:
    """A time as people write it."""
    return datetime.datetime.fromtimestamp(timestamp, datetime.UTC).strftime("%-d %B %Y, %H:%M UTC")


async def style(request: Request) -> Response:
    """The one style sheet."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=60"})


async def no_icon(request: Request) -> Response:
    """No content: browsers request an icon, and a 404 would be an error in their console."""
    return Response(status_code=204)


def fixed_routes() -> list[Route]:
    """The routes that every stand-in's pages need."""
    return [Route("/assets/sandbox.css", style), Route("/favicon.ico", no_icon)]
