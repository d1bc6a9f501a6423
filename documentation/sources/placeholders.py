"""Facts that pages name in double braces: prices, fees, limits and addresses, from where they are decided."""

import re
from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings

from accounts.organisations import invitations, members
from billing.payments.quotes import fee_rule
from broadcast import sending
from broadcast.delivery import delivering, feed
from broadcast.destinations import saving
from broadcast.kinds import webhook
from broadcast.payloads import contents
from common.money import PicoUsd, format_cents, format_exact_usd
from common.web.bodies import as_size
from gateway.accounting import free_limits
from gateway.http_responses import KEEP_ALIVE_SECONDS
from gateway.protocols.chat_completions.request import MAX_STOP_SEQUENCES
from gateway.response_cache.options import DEFAULT_TTL, MAX_TTL
from gateway.routing import affinity, health
from gateway.tokens.compression import SHORT_CONTEXT
from keys.issuing import LONGEST_GRACE
from keys.oauth.codes import LIFETIME

__all__ = ["fill", "values"]

_PLACEHOLDER = re.compile(r"\{\{ ?(\w+) ?\}\}")


def fill(source: str, facts: Mapping[str, str]) -> str:
    """Return the text with the facts in place of their names. Raises KeyError for a name that is not among them."""
    return _PLACEHOLDER.sub(lambda found: facts[found[1]], source)


def values() -> dict[str, str]:
    """Return the facts by name, as they are at this moment, in words for people."""
    free_share = (
        f"{settings.BYOK_FREE_REQUESTS:,} requests"
        if settings.BYOK_FREE_SHARE == "requests"
        else f"{_dollars(settings.BYOK_FREE_USD)} of list price"
    )
    return {
        **_names(),
        **_limits(),
        "card_fee": fee_rule("stripe"),
        "crypto_fee": fee_rule("coinbase"),
        "purchase_minimum": format_cents(settings.PURCHASE_MINIMUM_CENTS).removesuffix(".00"),
        "purchase_maximum": format_cents(settings.PURCHASE_MAXIMUM_CENTS).removesuffix(".00"),
        "refund_hours": str(settings.REFUND_WINDOW_HOURS),
        "credit_expiry": (
            "Credits that you haven't used expire one year after their purchase. We email you before."
            if settings.CREDITS_EXPIRE
            else "Credits don't expire at the moment. The terms allow us to let unused credits expire one year after "
            "their purchase; we would email you before."
        ),
        "free_allowance": (
            f"New accounts with a verified email address get {format_cents(settings.FREE_ALLOWANCE_CENTS)} of free "
            "credit, once."
            if settings.FREE_ALLOWANCE_CENTS > 0
            else "New accounts get no free credit here."
        ),
        **_broadcast(),
        "byok_fee": f"{settings.BYOK_FEE_PERCENT.normalize():f}%",
        "byok_free_share": free_share,
        "logging_days": str(settings.LOGGING_KEEP_DAYS),
        "logging_discount": f"{settings.LOGGING_DISCOUNT_PERCENT.normalize():f}%",
        "search_price": format_exact_usd(Decimal(settings.WEB_SEARCH_REQUEST_PRICE)),
        "search_result_price": format_exact_usd(Decimal(settings.WEB_SEARCH_RESULT_PRICE)),
    }


def _dollars(amount: PicoUsd | Decimal) -> str:
    """Return pico-USD or dollars, without the cents of whole dollars: "$10"."""
    return format_exact_usd(amount).removesuffix(".00")


def _names() -> dict[str, str]:
    url = settings.SITE_URL
    return {
        "site_name": settings.SITE_NAME,
        "site_url": url,
        "api_url": f"{url}/api/v1",
        "anthropic_url": f"{url}/api",
        "support_email": settings.SUPPORT_EMAIL,
        "community_url": settings.COMMUNITY_URL,
        "default_model": settings.DEFAULT_MODEL,
        "auto_models": ", ".join(f"`{name}`" for name in settings.AUTO_MODELS),
    }


def _broadcast() -> dict[str, str]:
    return {
        "broadcast_destinations": str(saving.MAX_OF_KIND),
        "broadcast_content": as_size(contents.MAX_BYTES),
        "broadcast_seconds": f"{sending.SECONDS:g}",
        "broadcast_tries": str(len(delivering.RETRY_DELAYS) + 1),
        "broadcast_hours": str(feed.KEPT_HOURS),
        "broadcast_overlap": str(webhook.OVERLAP_HOURS),
    }


def _limits() -> dict[str, str]:
    return {
        "free_per_minute": str(free_limits.PER_MINUTE),
        "free_per_day": f"{free_limits.PER_DAY:,}",
        "free_per_day_for_buyers": f"{free_limits.PER_DAY_FOR_BUYERS:,}",
        "free_threshold": _dollars(PicoUsd(free_limits.BUYER_PURCHASES)),
        "request_size": as_size(settings.MAX_REQUEST_BYTES),
        "form_size": as_size(settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        "client_seconds": str(settings.CLIENT_TIMEOUT_SECONDS),
        "first_token_seconds": str(settings.PROVIDER_FIRST_TOKEN_SECONDS),
        "idle_seconds": str(settings.PROVIDER_IDLE_SECONDS),
        "total_minutes": f"{settings.PROVIDER_TOTAL_SECONDS / 60:g}",
        "keep_alive_seconds": f"{KEEP_ALIVE_SECONDS:g}",
        "stop_sequences": str(MAX_STOP_SEQUENCES),
        "outage_seconds": f"{health.OUTAGE_SECONDS:g}",
        "routing_minutes": f"{health.ROUTING_WINDOW.total_seconds() / 60:g}",
        "sticky_minutes": f"{affinity.IDLE_SECONDS / 60:g}",
        "short_context": f"{SHORT_CONTEXT:,}",
        "cache_seconds": str(DEFAULT_TTL),
        "cache_hours": f"{MAX_TTL / 3600:g}",
        "code_minutes": f"{LIFETIME.total_seconds() / 60:g}",
        "grace_days": str(LONGEST_GRACE.days),
        "invitation_days": str(invitations.LIFETIME.days),
        "organizations_created": str(members.MAX_CREATED),
        "chat_answers": str(settings.CHAT_ANSWERS_PER_USER),
        "chat_messages": str(settings.CHAT_MESSAGES_PER_MINUTE),
    }
