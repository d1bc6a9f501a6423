"""Requests that have happened: Generation rows and the rollups that settlement writes with them."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F

from billing.models import CreditAccount
from common.clock import hour_of, utc_now, window_start
from common.naming.ids import generation_id
from gateway.accounting.pricing import discounted, parts_of
from gateway.events import Usage
from gateway.models import ClassifiedDay, Generation, Hold, UsageHour, UsageRollup
from keys.models import ApiKey
from models_catalog.catalog import Prices

PRICE = {"prompt": "0.00000015", "completion": "0.0000006", "input_cache_read": "0.000000075"}


def make_request(account: CreditAccount, at: datetime | None = None, **fields) -> Generation:
    """One settled request and its hour, with account and key charged; `fields` override the row's."""
    return make_requests(account, [{"created_at": at or utc_now(), **fields}])[0]


def make_running(account: CreditAccount, **fields) -> Hold:
    """One request that has not ended, with its hold; `fields` override the row's."""
    now = utc_now()
    asked = {"source": "api", "requested_model": "openai/gpt-4o-mini", "created_at": now, "streamed": True}
    hold = Hold(
        id=generation_id(now.timestamp()), account=account, **{**asked, "amount": 0, "process_id": "x"} | fields
    )
    hold.save(force_insert=True)
    CreditAccount.objects.filter(pk=account.pk).update(held=F("held") + hold.amount)
    return hold


def make_requests(account: CreditAccount, rows: Iterable[dict]) -> list[Generation]:
    """Settled requests, their hours, and the account and the keys charged: what settlement leaves behind."""
    made = [_row(account, fields) for fields in rows]
    Generation.objects.bulk_create(made, batch_size=500)
    known = {_identity(hour): hour for hour in UsageHour.objects.filter(account=account)}
    hours: dict[tuple, UsageHour] = {}
    for row in made:
        if row.state == Generation.State.SETTLED:
            _count(hours, known, row)
            if row.use and row.error_status is None:
                _count_use(row)
    new, changed = ([hour for hour in hours.values() if (hour.pk is None) == is_new] for is_new in (True, False))
    UsageHour.objects.bulk_create(new, batch_size=500)
    UsageHour.objects.bulk_update(changed, _SUMS, batch_size=100)
    if made:
        oldest = window_start("daily", min(row.created_at for row in made))
        UsageRollup.objects.filter(account=account, until__gt=oldest).update(until=oldest)
    _charge(account, made)
    return made


_SUMS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost",
    "byok_cost", "discount", "latency_ms", "duration_ms",
)  # fmt: skip


def _row(account: CreditAccount, fields: dict) -> Generation:
    created_at = fields["created_at"]
    row = Generation(
        **{
            "id": generation_id(created_at.timestamp()),
            "account": account,
            "source": Generation.Source.API,
            "state": Generation.State.SETTLED,
            "requested_model": fields.get("model") or "openai/gpt-4o-mini",
            "model": "openai/gpt-4o-mini",
            "provider": "openai",
            "endpoint": fields.get("provider", "openai"),
            "finish_reason": "stop",
            "native_finish_reason": "stop",
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "token_source": Generation.TokenSource.PROVIDER,
            "price": PRICE,
            "latency_ms": 400,
            "duration_ms": 2400,
            "settled_at": created_at + timedelta(milliseconds=2400),
            "streamed": True,
            "upstream_latency_ms": 390,
            "reason": "price",
            **fields,
        }
    )
    if "cost" not in fields and row.state == Generation.State.SETTLED and row.error_status is None:
        parts = parts_of(_prices(row.price), _usage(row), row.images, row.output_images)
        row.cost, row.discount = discounted(parts, row.discount_basis_points)
    if "hold" not in fields:
        row.hold = row.cost * 3
    return row


def _usage(row: Generation) -> Usage:
    return Usage(
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        reasoning_tokens=row.reasoning_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        audio_tokens=row.audio_tokens,
        image_tokens=row.output_image_tokens,
    )


def _prices(price: dict) -> Prices:
    return Prices(**{name: Decimal(text) for name, text in price.items()})


_GROUP = ("hour", "key_id", "user_id", "model", "provider", "app", "source")


def _identity(hour: UsageHour) -> tuple:
    return tuple(getattr(hour, name) for name in _GROUP)


def _count(hours: dict[tuple, UsageHour], known: dict[tuple, UsageHour], row: Generation) -> None:
    hour = UsageHour(
        account=row.account, hour=hour_of(row.created_at), key_id=row.key_id or 0, user_id=row.user_id or 0,
        model=row.model or row.requested_model, provider=row.provider, app=row.app, source=row.source,
    )  # fmt: skip
    hour = hours.setdefault(_identity(hour), known.get(_identity(hour), hour))
    hour.requests += 1
    hour.failures += row.error_status is not None
    for name in _SUMS[2:9]:
        setattr(hour, name, getattr(hour, name) + getattr(row, name))
    if row.error_status is None:
        hour.latency_ms += row.latency_ms or 0
        hour.duration_ms += row.duration_ms or 0


def _count_use(row: Generation) -> None:
    day, _ = ClassifiedDay.objects.get_or_create(
        account=row.account, day=row.created_at.date(), app=row.app, model=row.model, use=row.use
    )
    day.requests += 1
    day.prompt_tokens += row.prompt_tokens
    day.completion_tokens += row.completion_tokens
    day.save()


def _charge(account: CreditAccount, made: list[Generation]) -> None:
    account.refresh_from_db()
    account.usage += sum(row.cost for row in made)
    account.credits = max(account.credits, account.usage)
    account.save()
    for key in ApiKey.objects.filter(pk__in={row.key_id for row in made if row.key_id}):
        key.usage += sum(row.cost for row in made if row.key_id == key.pk)
        key.window_usage = key.usage
        key.last_used_at = max(row.created_at for row in made if row.key_id == key.pk)
        key.save()


MODELS = (
    ("openai/gpt-4o-mini", "openai", "0.00000015", "0.0000006", 30),
    ("anthropic/claude-sonnet-4.5", "anthropic", "0.000003", "0.000015", 16),
    ("google/gemini-2.5-flash", "google-vertex", "0.0000003", "0.0000025", 14),
    ("deepseek/deepseek-chat-v3.1", "deepinfra", "0.00000027", "0.000001", 10),
    ("meta-llama/llama-3.3-70b-instruct", "groq", "0.00000059", "0.00000079", 8),
    ("openai/gpt-5", "openai", "0.00000125", "0.00001", 6),
    ("mistralai/mistral-small-3.2-24b-instruct", "mistral", "0.0000001", "0.0000003", 5),
    ("qwen/qwen3-coder", "fireworks", "0.00000045", "0.0000018", 4),
    ("x-ai/grok-4", "xai", "0.000003", "0.000015", 3),
    ("moonshotai/kimi-k2", "together", "0.000001", "0.000003", 2),
    ("z-ai/glm-4.6", "deepinfra", "0.0000006", "0.0000022", 1),
    ("meta-llama/llama-3.3-70b-instruct:free", "venice", "0", "0", 4),
)


def make_history(
    account: CreditAccount, keys: list[ApiKey], count: int, days: int = 60, seed: int = 7, users: tuple[int, ...] = ()
) -> list[Generation]:
    """`count` requests of many models over the last `days`, more of them lately and by day."""
    chance = random.Random(seed)
    now = utc_now()
    rows = []
    for _ in range(count):
        model, provider, prompt, completion, _ = chance.choices(MODELS, [model[4] for model in MODELS])[0]
        at = now - timedelta(days=days * chance.random() ** 1.4, minutes=chance.random() * 50)
        prompt_tokens = int(chance.lognormvariate(6.8, 1.1)) + 8
        completion_tokens = int(chance.lognormvariate(5.6, 0.9)) + 3
        latency = int(chance.lognormvariate(6.2, 0.5))
        failed, chat = chance.random() < 0.02, chance.random() < 0.3
        fields = {
            "created_at": at,
            "model": model,
            "provider": provider,
            "endpoint": provider,
            "source": "chat" if chat else "api",
            "key": None if chat or not keys else chance.choice(keys),
            "user_id": chance.choice(users) if users else None,
            "app": "" if chat else chance.choice(("", "https://notes.example.com/", "https://cli.example.org/agent")),
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cached_tokens": prompt_tokens // 2 if chance.random() < 0.3 else 0,
            "price": {"prompt": prompt, "completion": completion},
            "latency_ms": latency,
            "duration_ms": latency + completion_tokens * chance.randint(6, 25),
            "finish_reason": chance.choices(("stop", "length", "tool_calls"), (90, 6, 4))[0],
            "simulated": True,
        }
        if failed:
            fields |= {
                "model": "", "requested_model": model, "provider": "", "endpoint": "", "error_status": 502,
                "prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "price": {}, "latency_ms": None,
                "duration_ms": None, "finish_reason": "error", "token_source": Generation.TokenSource.NONE,
                "failed_attempts": [{"endpoint": provider, "provider": provider, "model": model, "status": 429,
                                     "latency_ms": 212, "reason": "price"}],
            }  # fmt: skip
        rows.append(fields)
    return make_requests(account, rows)
