"""The cost of an answer that ended before its bill was sent: stopped, reloaded or disconnected."""

from accounts.models import Organisation
from billing import spending
from common.money import PicoUsd
from gateway.events import Billed, Usage
from gateway.models import Generation

__all__ = ["bill_of"]


def bill_of(generation_id: str, organisation: Organisation) -> Billed | None:
    """Return the bill of a generation of the organization; None while it runs, and for other organizations."""
    account = spending.account_of(organisation)
    generation = Generation.objects.filter(pk=generation_id, account=account).first()
    if generation is None:
        return None
    return Billed(
        usage=Usage(
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            reasoning_tokens=generation.reasoning_tokens,
            cached_tokens=generation.cached_tokens,
            cache_write_tokens=generation.cache_write_tokens,
            cache_write_1h_tokens=generation.cache_write_1h_tokens,
            audio_tokens=generation.audio_tokens,
            image_tokens=generation.output_image_tokens,
            estimated=generation.token_source in {Generation.TokenSource.ESTIMATE, Generation.TokenSource.LENGTH},
        ),
        cost=PicoUsd(generation.cost),
        balance=PicoUsd(account.balance),
        latency_ms=generation.latency_ms or 0,
        duration_ms=generation.duration_ms or 0,
        web_searches=1 if generation.web_search_engine else 0,
    )
