"""The search of a request: its maximum cost, and its results."""

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from django.conf import settings

from common.errors import InvalidRequest, ProviderUnavailable
from common.money import PicoUsd
from gateway.accounting.pricing import cost_of, search_parts
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.failures import ProviderFailure

from .engines import Engine, engine_for
from .options import Options, options_of
from .prompt import max_prompt_tokens, query_of, truncated
from .result import Result

__all__ = ["Search", "requested_search"]

log = logging.getLogger(__name__)


class Search(msgspec.Struct, frozen=True):
    """One web search, before it is made."""

    engine: Engine
    options: Options
    query: str

    @property
    def max_prompt_tokens(self) -> int:
        """The most tokens that its results can add to the prompt."""
        return max_prompt_tokens(self.options)

    @property
    def max_cost(self) -> PicoUsd:
        """The most that it can cost, in pico-USD."""
        return cost_of(search_parts(self.price, self.options.max_results))

    @property
    def price(self) -> dict[str, str]:
        """The prices, as decimal strings in USD."""
        return {
            "web_search_request": format(settings.WEB_SEARCH_REQUEST_PRICE, "f"),
            "web_search_results": format(settings.WEB_SEARCH_RESULT_PRICE, "f"),
        }

    async def run(self, sandbox_headers: Mapping[str, str]) -> list[Result]:
        """The engine's results, best first. Raises ProviderUnavailable when it fails, InvalidRequest when it rejects
        the options."""
        headers = sandbox_headers if self.engine.simulated else {}
        try:
            async with asyncio.timeout(settings.WEB_SEARCH_SECONDS):
                found = await self.engine.search(
                    self.engine.base_url, self.engine.api_key, self.query, self.options, headers
                )
        except (ProviderFailure, TimeoutError) as error:
            failure = error if isinstance(error, ProviderFailure) else ProviderFailure(504, "", error_type="timeout")
            log.warning("web search with %s failed with status %d", self.engine.name, failure.status)
            raise self._error(failure) from error
        return truncated(found, self.options)

    def _error(self, failure: ProviderFailure) -> InvalidRequest | ProviderUnavailable:
        metadata = {"plugin": "web", "provider_name": self.engine.title, "provider_code": str(failure.status)}
        if failure.status in {400, 422}:
            return InvalidRequest(f"{self.engine.title} refused the web search: {failure.message}", metadata=metadata)
        return ProviderUnavailable(
            f"The web search engine ({self.engine.title}) did not respond. No model was called and nothing was charged."
            " Try again, or remove `:online` and the `web` plugin.",
            metadata=metadata,
        )


def requested_search(request: ChatRequest, default_model: str) -> Search | None:
    """The search of a request; None when it asks for none, or has no text to search for.

    Raises InvalidRequest for invalid options, NotFound when this site has no search engine.
    """
    options = options_of(request, default_model)
    if options is None:
        return None
    engine = engine_for(options.engine)
    query = query_of(request.messages)
    return Search(engine, options, query) if query else None
