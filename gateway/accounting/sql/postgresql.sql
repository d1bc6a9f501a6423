-- The statements of a settlement batch on PostgreSQL. `sqlite.sql` has the same names and parameters.
--
-- To run one by hand, set its parameters in psql and paste it:
--
--     \set ids '{1,2}'
--     \set rows '[{"id": 1, "usage": 41400000, "held": 0}]'
--
-- `-- name:` begins a statement; each `-- param:` line gives a parameter's name and type, in the order of use.
-- `rows` is a JSON list of objects with the columns of `gateway/accounting/rows.py`. An object may omit the columns
-- that have a default: the default is written in the statement, or is NULL. Amounts are in pico-USD.

-- name: lock_accounts
-- Rows are locked in id order, accounts before keys, so that two batches cannot deadlock. NO KEY lets other
-- transactions insert rows that refer to these.
-- param: ids bigint[]
SELECT
    id, credits, usage, held, frozen_reason, auto_top_up_below, alert_below, alerted_at,
    EXISTS (
        SELECT 1
        FROM accounts_membership
        WHERE
            accounts_membership.organisation_id = billing_creditaccount.organisation_id
            AND accounts_membership.spend_limit IS NOT NULL
    ) AS limits_members,
    EXISTS (
        SELECT 1
        FROM guardrails_guardrail
        WHERE
            guardrails_guardrail.organisation_id = billing_creditaccount.organisation_id
            AND guardrails_guardrail."limit" IS NOT NULL
    ) AS has_budgets
FROM billing_creditaccount
WHERE id = ANY(:'ids'::bigint[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: read_keys
-- param: ids bigint[]
SELECT
    id, disabled, deleted_at, expires_at, "limit", limit_reset, usage, window_usage, window_started_at,
    include_byok_in_limit, byok_usage, window_byok_usage, max_concurrent_requests
FROM keys_apikey
WHERE id = ANY(:'ids'::bigint[])
ORDER BY id;

-- name: lock_keys
-- param: ids bigint[]
SELECT
    id, disabled, deleted_at, expires_at, "limit", limit_reset, usage, window_usage, window_started_at,
    include_byok_in_limit, byok_usage, window_byok_usage, max_concurrent_requests
FROM keys_apikey
WHERE id = ANY(:'ids'::bigint[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: delete_holds
-- param: account_ids bigint[]
-- param: ids text[]
DELETE FROM gateway_hold
WHERE account_id = ANY(:'account_ids'::bigint[]) AND id = ANY(:'ids'::text[])
RETURNING id, amount, byok_share;

-- name: sum_holds_by_key
-- By account as well, because the index `holds_of_account` begins with it.
-- param: account_ids bigint[]
-- param: key_ids bigint[]
SELECT key_id, sum(amount), count(*), sum(byok_listed)
FROM gateway_hold
WHERE account_id = ANY(:'account_ids'::bigint[]) AND key_id = ANY(:'key_ids'::bigint[])
GROUP BY key_id;

-- name: read_members
-- Members with a spend limit.
-- param: account_ids bigint[]
-- param: user_ids bigint[]
SELECT
    member.id, account.id, member.user_id, member.spend_limit, member.limit_reset,
    member.window_usage, member.window_started_at
FROM billing_creditaccount AS account
INNER JOIN accounts_membership AS member ON account.organisation_id = member.organisation_id
WHERE
    account.id = ANY(:'account_ids'::bigint[])
    AND member.user_id = ANY(:'user_ids'::bigint[])
    AND member.spend_limit IS NOT NULL
ORDER BY member.id;

-- name: lock_members
-- After accounts and keys, in id order.
-- param: account_ids bigint[]
-- param: user_ids bigint[]
SELECT
    member.id, account.id, member.user_id, member.spend_limit, member.limit_reset,
    member.window_usage, member.window_started_at
FROM billing_creditaccount AS account
INNER JOIN accounts_membership AS member ON account.organisation_id = member.organisation_id
WHERE
    account.id = ANY(:'account_ids'::bigint[])
    AND member.user_id = ANY(:'user_ids'::bigint[])
    AND member.spend_limit IS NOT NULL
ORDER BY member.id
FOR NO KEY UPDATE OF member;

-- name: sum_holds_by_member
-- param: account_ids bigint[]
-- param: user_ids bigint[]
SELECT account_id, user_id, sum(amount), sum(byok_listed)
FROM gateway_hold
WHERE account_id = ANY(:'account_ids'::bigint[]) AND user_id = ANY(:'user_ids'::bigint[])
GROUP BY account_id, user_id;

-- name: read_budgets
-- Budgets of keys and members with a guardrail.
-- param: account_ids bigint[]
-- param: key_ids bigint[]
-- param: user_ids bigint[]
SELECT
    budget.id, account.id, budget.key_id, budget.user_id, guardrail.name, guardrail."limit", guardrail.limit_reset,
    budget.window_usage, budget.window_started_at, guardrail.include_byok
FROM guardrails_assignment AS budget
INNER JOIN billing_creditaccount AS account ON budget.organisation_id = account.organisation_id
INNER JOIN guardrails_guardrail AS guardrail ON budget.guardrail_id = guardrail.id
WHERE
    account.id = ANY(:'account_ids'::bigint[])
    AND (budget.key_id = ANY(:'key_ids'::bigint[]) OR budget.user_id = ANY(:'user_ids'::bigint[]))
    AND guardrail."limit" IS NOT NULL
ORDER BY budget.id;

-- name: lock_budgets
-- After accounts, keys and members, in id order.
-- param: account_ids bigint[]
-- param: key_ids bigint[]
-- param: user_ids bigint[]
SELECT
    budget.id, account.id, budget.key_id, budget.user_id, guardrail.name, guardrail."limit", guardrail.limit_reset,
    budget.window_usage, budget.window_started_at, guardrail.include_byok
FROM guardrails_assignment AS budget
INNER JOIN billing_creditaccount AS account ON budget.organisation_id = account.organisation_id
INNER JOIN guardrails_guardrail AS guardrail ON budget.guardrail_id = guardrail.id
WHERE
    account.id = ANY(:'account_ids'::bigint[])
    AND (budget.key_id = ANY(:'key_ids'::bigint[]) OR budget.user_id = ANY(:'user_ids'::bigint[]))
    AND guardrail."limit" IS NOT NULL
ORDER BY budget.id
FOR NO KEY UPDATE OF budget;

-- name: read_generations
-- param: account_ids bigint[]
-- param: ids text[]
SELECT id, state, hold, cost
FROM gateway_generation
WHERE account_id = ANY(:'account_ids'::bigint[]) AND id = ANY(:'ids'::text[]);

-- name: delete_generations
-- param: account_ids bigint[]
-- param: ids text[]
DELETE FROM gateway_generation
WHERE account_id = ANY(:'account_ids'::bigint[]) AND id = ANY(:'ids'::text[]);

-- name: insert_holds
-- param: rows json
INSERT INTO gateway_hold (
    id, account_id, key_id, user_id, source, requested_model, streamed, created_at,
    app, app_title, user_agent, external_user, session_id, preset_version_id,
    amount, process_id, byok_share, byok_listed
)
SELECT
    id, account_id, key_id, user_id, source, requested_model, streamed, created_at,
    app, app_title, user_agent, external_user, session_id, preset_version_id,
    amount, process_id, byok_share, byok_listed
FROM json_populate_recordset(
    json_populate_record(
        NULL::gateway_hold,
        '{
            "streamed": false, "app": "", "app_title": "", "user_agent": "", "external_user": "", "session_id": "",
            "preset_version_id": 0, "byok_listed": 0
        }'
    ),
    :'rows'
);

-- name: insert_generations
-- param: rows json
INSERT INTO gateway_generation (
    id, account_id, key_id, user_id, source, requested_model, streamed, created_at,
    app, app_title, user_agent, external_user, session_id, preset_version_id,
    state, model, provider, endpoint, reason, simulated, provider_key_id, byok_key_id, upstream_id, cancelled,
    finish_reason, native_finish_reason, error_status, failed_attempts,
    prompt_tokens, completion_tokens, reasoning_tokens,
    cached_tokens, cache_write_tokens, cache_write_1h_tokens, audio_tokens, token_source,
    hold, cost, write_off, byok_cost, discount, price, discount_basis_points, images, output_images,
    output_image_tokens,
    api_type, search_units, web_search_engine, web_search_results, response_cache_source_id, use,
    settled_at, latency_ms, duration_ms, upstream_latency_ms
)
SELECT
    id, account_id, key_id, user_id, source, requested_model, streamed, created_at,
    app, app_title, user_agent, external_user, session_id, preset_version_id,
    state, model, provider, endpoint, reason, simulated, provider_key_id, byok_key_id, upstream_id, cancelled,
    finish_reason, native_finish_reason, error_status, failed_attempts,
    prompt_tokens, completion_tokens, reasoning_tokens,
    cached_tokens, cache_write_tokens, cache_write_1h_tokens, audio_tokens, token_source,
    hold, cost, write_off, byok_cost, discount, price, discount_basis_points, images, output_images,
    output_image_tokens,
    api_type, search_units, web_search_engine, web_search_results, response_cache_source_id, use,
    settled_at, latency_ms, duration_ms, upstream_latency_ms
FROM json_populate_recordset(
    json_populate_record(
        NULL::gateway_generation,
        '{
            "streamed": false, "app": "", "app_title": "", "user_agent": "", "external_user": "", "session_id": "",
            "preset_version_id": 0,
            "state": "", "model": "", "provider": "", "endpoint": "", "reason": "", "simulated": false,
            "provider_key_id": 0, "byok_key_id": 0,
            "upstream_id": "", "cancelled": false, "finish_reason": "", "native_finish_reason": "",
            "failed_attempts": [], "prompt_tokens": 0, "completion_tokens": 0, "reasoning_tokens": 0,
            "cached_tokens": 0, "cache_write_tokens": 0, "cache_write_1h_tokens": 0, "audio_tokens": 0,
            "token_source": "none",
            "hold": 0, "cost": 0, "write_off": 0, "byok_cost": 0, "discount": 0, "price": {},
            "discount_basis_points": 0,
            "images": 0,
            "output_images": 0, "output_image_tokens": 0, "api_type": "completions", "search_units": 0,
            "web_search_engine": "", "web_search_results": 0, "response_cache_source_id": "", "use": ""
        }'
    ),
    :'rows'
);

-- name: update_accounts
-- param: rows json
UPDATE billing_creditaccount
SET usage = new.usage, held = new.held
FROM json_to_recordset(:'rows') AS new (id bigint, usage bigint, held bigint)
WHERE billing_creditaccount.id = new.id;

-- name: update_keys
-- param: rows json
UPDATE keys_apikey
SET
    usage = new.usage,
    window_usage = new.window_usage,
    byok_usage = new.byok_usage,
    window_byok_usage = new.window_byok_usage,
    window_started_at = new.window_started_at,
    last_used_at = new.last_used_at
FROM json_to_recordset(:'rows') AS new (
    id bigint,
    usage bigint,
    window_usage bigint,
    byok_usage bigint,
    window_byok_usage bigint,
    window_started_at timestamp with time zone,
    last_used_at timestamp with time zone
)
WHERE keys_apikey.id = new.id;

-- name: update_members
-- param: rows json
UPDATE accounts_membership
SET window_usage = new.window_usage, window_started_at = new.window_started_at
FROM json_to_recordset(:'rows') AS new (id bigint, window_usage bigint, window_started_at timestamp with time zone)
WHERE accounts_membership.id = new.id;

-- name: update_budgets
-- param: rows json
UPDATE guardrails_assignment
SET window_usage = new.window_usage, window_started_at = new.window_started_at
FROM json_to_recordset(:'rows') AS new (id bigint, window_usage bigint, window_started_at timestamp with time zone)
WHERE guardrails_assignment.id = new.id;

-- name: add_to_hours
-- param: rows json
INSERT INTO gateway_usagehour (
    account_id, hour, key_id, user_id, model, provider, app, source,
    requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost,
    byok_cost, discount, latency_ms, duration_ms
)
SELECT
    account_id, hour, key_id, user_id, model, provider, app, source,
    requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost,
    byok_cost, discount, latency_ms, duration_ms
FROM json_populate_recordset(
    json_populate_record(
        NULL::gateway_usagehour,
        '{
            "requests": 0, "failures": 0, "prompt_tokens": 0, "completion_tokens": 0, "reasoning_tokens": 0,
            "cached_tokens": 0, "cost": 0, "byok_cost": 0, "discount": 0, "latency_ms": 0, "duration_ms": 0
        }'
    ),
    :'rows'
)
ON CONFLICT (account_id, hour, key_id, user_id, model, provider, app, source) DO UPDATE SET
    requests = gateway_usagehour.requests + excluded.requests,
    failures = gateway_usagehour.failures + excluded.failures,
    prompt_tokens = gateway_usagehour.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = gateway_usagehour.completion_tokens + excluded.completion_tokens,
    reasoning_tokens = gateway_usagehour.reasoning_tokens + excluded.reasoning_tokens,
    cached_tokens = gateway_usagehour.cached_tokens + excluded.cached_tokens,
    cost = gateway_usagehour.cost + excluded.cost,
    byok_cost = gateway_usagehour.byok_cost + excluded.byok_cost,
    discount = gateway_usagehour.discount + excluded.discount,
    latency_ms = gateway_usagehour.latency_ms + excluded.latency_ms,
    duration_ms = gateway_usagehour.duration_ms + excluded.duration_ms;

-- name: add_to_classified_days
-- param: rows json
INSERT INTO gateway_classifiedday (
    account_id, day, app, model, use, requests, prompt_tokens, completion_tokens
)
SELECT
    account_id, day, app, model, use, requests, prompt_tokens, completion_tokens
FROM json_populate_recordset(NULL::gateway_classifiedday, :'rows')
ON CONFLICT (account_id, day, app, model, use) DO UPDATE SET
    requests = gateway_classifiedday.requests + excluded.requests,
    prompt_tokens = gateway_classifiedday.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = gateway_classifiedday.completion_tokens + excluded.completion_tokens;

-- name: reopen_usage
-- A request of a day that is already added up: it is no longer, from that day on.
-- param: rows json
UPDATE gateway_usagerollup
SET until = late.day
FROM json_to_recordset(:'rows') AS late (account_id bigint, day timestamp with time zone)
WHERE gateway_usagerollup.account_id = late.account_id AND gateway_usagerollup.until > late.day;

-- name: add_to_spend
-- param: rows json
INSERT INTO gateway_providerspend (
    provider, provider_key_id, process_id, requests, cost
)
SELECT
    provider, provider_key_id, process_id, requests, cost
FROM json_populate_recordset(
    json_populate_record(NULL::gateway_providerspend, '{"requests": 0, "cost": 0}'),
    :'rows'
)
ON CONFLICT (provider, provider_key_id, process_id) DO UPDATE SET
    requests = gateway_providerspend.requests + excluded.requests,
    cost = gateway_providerspend.cost + excluded.cost;

-- name: read_own_key_months
-- param: ids bigint[]
SELECT account_id, month, requests, listed, free_requests, free_listed
FROM gateway_ownkeymonth
WHERE account_id = ANY(:'ids'::bigint[]);

-- name: sum_own_key_shares
-- What running requests have reserved of the free share, by the UTC month in which they were made.
-- param: ids bigint[]
SELECT account_id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, sum(byok_share)
FROM gateway_hold
WHERE account_id = ANY(:'ids'::bigint[]) AND byok_share IS NOT NULL
GROUP BY account_id, month;

-- name: add_to_own_key_months
-- param: rows json
INSERT INTO gateway_ownkeymonth (
    account_id, month, requests, listed, free_requests, free_listed
)
SELECT
    account_id, month, requests, listed, free_requests, free_listed
FROM json_populate_recordset(NULL::gateway_ownkeymonth, :'rows')
ON CONFLICT (account_id, month) DO UPDATE SET
    requests = gateway_ownkeymonth.requests + excluded.requests,
    listed = gateway_ownkeymonth.listed + excluded.listed,
    free_requests = gateway_ownkeymonth.free_requests + excluded.free_requests,
    free_listed = gateway_ownkeymonth.free_listed + excluded.free_listed;
