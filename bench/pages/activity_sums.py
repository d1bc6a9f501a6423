"""SQL that adds up the requests of `activity_fill.py` for all accounts at once."""

from datetime import datetime

__all__ = ["ADD_UP_HOURS", "DAYS", "GENERATIONS", "HOURS", "MONTHS", "add_up"]

GENERATIONS, HOURS, DAYS, MONTHS = "gateway_generation", "gateway_usagehour", "gateway_usageday", "gateway_usagemonth"

_DIMENSIONS = "key_id, user_id, model, provider, app, source"
_SUMS = (
    "requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost, latency_ms, "
    "duration_ms"
)
_ADDED = ", ".join(f"sum({name})::bigint AS {name}" for name in _SUMS.split(", "))

ADD_UP_HOURS = f"""
INSERT INTO {{hours}} (id, account_id, hour, {_DIMENSIONS}, {_SUMS})
SELECT nextval(pg_get_serial_sequence('{HOURS}', 'id')), * FROM (
    SELECT
        account_id, date_trunc('hour', created_at, 'UTC'), coalesce(key_id, 0), coalesce(user_id, 0), model, provider,
        app, source, count(*), 0, sum(prompt_tokens), sum(completion_tokens), 0, sum(cached_tokens), sum(cost),
        sum(latency_ms), sum(duration_ms)
    FROM {{generations}} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 2, 1
) AS added
"""


def add_up(table: str, unit: str, parts: str, column: str, until: datetime, where: str = "true") -> list[str]:
    """Return the statements that do what the clock does, for all accounts at once."""
    by_one = ", ".join(f"(account_id, start, {name})" for name in _DIMENSIONS.split(", "))
    values = ", ".join(
        f"coalesce({name}, {0 if name.endswith('_id') else repr('')})" for name in _DIMENSIONS.split(", ")
    )
    kept = " ".join(f"WHEN grouping({name}) = 0 THEN '{name}'" for name in _DIMENSIONS.split(", "))
    columns = f"(account_id, {unit}, kept, {_DIMENSIONS}, {_SUMS})"
    return [
        "DROP TABLE IF EXISTS wide",
        f"""
        CREATE TEMP TABLE wide AS
        SELECT *, count(*) OVER (PARTITION BY account_id, start) AS rows FROM (
            SELECT account_id, date_trunc('{unit}', {column}, 'UTC') AS start, {_DIMENSIONS}, {_ADDED} FROM {parts}
            WHERE {column} < '{until.isoformat()}' AND {where} GROUP BY 1, 2, {_DIMENSIONS}
        ) AS added""",
        f"""
        INSERT INTO {table} {columns}
        SELECT account_id, start, CASE WHEN rows >= 50 THEN 'all' ELSE 'only' END, {_DIMENSIONS}, {_SUMS} FROM wide
        ORDER BY start, account_id, {_DIMENSIONS}""",
        f"""
        INSERT INTO {table} {columns}
        SELECT account_id, start, CASE {kept} END, {values}, {_ADDED} FROM wide WHERE rows >= 50
        GROUP BY GROUPING SETS ({by_one})""",
    ]
