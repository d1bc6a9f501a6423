-- The statements of a settlement batch on SQLite. `postgresql.sql` has the same names and parameters.
--
-- To run one by hand, set its parameters in sqlite3 and paste it:
--
--     .parameter set :ids '[1, 2]'
--     .parameter set :rows '[{"id": 1, "usage": 41400000, "held": 0}]'
--
-- `-- name:` begins a statement; each `-- param:` line gives a parameter's name and type, in the order of use.
-- `rows` is a JSON list of objects with the columns of `gateway/accounting/rows.py`. An object may omit the columns
-- that have a default: the default is written in the statement, or is NULL. Amounts are in pico-USD.
--
-- Times arrive as "2026-11-02T12:00:00Z" and are stored in Django's format, "2026-11-02 12:00:00", in UTC.
-- SQLite has one writer at a time, so there is nothing to lock.

-- name: lock_accounts
-- param: ids json
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
WHERE id IN (SELECT value FROM json_each(:ids))
ORDER BY id;

-- name: read_keys
-- param: ids json
SELECT
    id, disabled, deleted_at, expires_at, "limit", limit_reset, usage, window_usage, window_started_at,
    include_byok_in_limit, byok_usage, window_byok_usage, max_concurrent_requests
FROM keys_apikey
WHERE id IN (SELECT value FROM json_each(:ids))
ORDER BY id;

-- name: lock_keys
-- param: ids json
SELECT
    id, disabled, deleted_at, expires_at, "limit", limit_reset, usage, window_usage, window_started_at,
    include_byok_in_limit, byok_usage, window_byok_usage, max_concurrent_requests
FROM keys_apikey
WHERE id IN (SELECT value FROM json_each(:ids))
ORDER BY id;

-- name: delete_holds
-- param: account_ids json
-- param: ids json
DELETE FROM gateway_hold
WHERE account_id IN (SELECT value FROM json_each(:account_ids)) AND id IN (SELECT value FROM json_each(:ids))
RETURNING id, amount, byok_share;

-- name: sum_holds_by_key
-- By account as well, because the index `holds_of_account` begins with it.
-- param: account_ids json
-- param: key_ids json
SELECT key_id, sum(amount), count(*), sum(byok_listed)
FROM gateway_hold
WHERE account_id IN (SELECT value FROM json_each(:account_ids)) AND key_id IN (SELECT value FROM json_each(:key_ids))
GROUP BY key_id;

-- name: read_members
-- Members with a spend limit.
-- param: account_ids json
-- param: user_ids json
SELECT
    member.id, account.id, member.user_id, member.spend_limit, member.limit_reset,
    member.window_usage, member.window_started_at
FROM billing_creditaccount AS account
INNER JOIN accounts_membership AS member ON account.organisation_id = member.organisation_id
WHERE
    account.id IN (SELECT value FROM json_each(:account_ids))
    AND member.user_id IN (SELECT value FROM json_each(:user_ids))
    AND member.spend_limit IS NOT NULL
ORDER BY member.id;

-- name: lock_members
-- After accounts and keys, in id order.
-- param: account_ids json
-- param: user_ids json
SELECT
    member.id, account.id, member.user_id, member.spend_limit, member.limit_reset,
    member.window_usage, member.window_started_at
FROM billing_creditaccount AS account
INNER JOIN accounts_membership AS member ON account.organisation_id = member.organisation_id
WHERE
    account.id IN (SELECT value FROM json_each(:account_ids))
    AND member.user_id IN (SELECT value FROM json_each(:user_ids))
    AND member.spend_limit IS NOT NULL
ORDER BY member.id;

-- name: sum_holds_by_member
-- param: account_ids json
-- param: user_ids json
SELECT account_id, user_id, sum(amount), sum(byok_listed)
FROM gateway_hold
WHERE account_id IN (SELECT value FROM json_each(:account_ids)) AND user_id IN (SELECT value FROM json_each(:user_ids))
GROUP BY account_id, user_id;

-- name: read_budgets
-- Budgets of keys and members with a guardrail.
-- param: account_ids json
-- param: key_ids json
-- param: user_ids json
SELECT
    budget.id, account.id, budget.key_id, budget.user_id, guardrail.name, guardrail."limit", guardrail.limit_reset,
    budget.window_usage, budget.window_started_at, guardrail.include_byok
FROM guardrails_assignment AS budget
INNER JOIN billing_creditaccount AS account ON budget.organisation_id = account.organisation_id
INNER JOIN guardrails_guardrail AS guardrail ON budget.guardrail_id = guardrail.id
WHERE
    account.id IN (SELECT value FROM json_each(:account_ids))
    AND (budget.key_id IN (SELECT value FROM json_each(:key_ids)) OR budget.user_id IN (SELECT value FROM json_each(:user_ids)))
    AND guardrail."limit" IS NOT NULL
ORDER BY budget.id;

-- name: lock_budgets
-- After accounts, keys and members, in id order.
-- param: account_ids json
-- param: key_ids json
-- param: user_ids json
SELECT
    budget.id, account.id, budget.key_id, budget.user_id, guardrail.name, guardrail."limit", guardrail.limit_reset,
    budget.window_usage, budget.window_started_at, guardrail.include_byok
FROM guardrails_assignment AS budget
INNER JOIN billing_creditaccount AS account ON budget.organisation_id = account.organisation_id
INNER JOIN guardrails_guardrail AS guardrail ON budget.guardrail_id = guardrail.id
WHERE
    account.id IN (SELECT value FROM json_each(:account_ids))
    AND (budget.key_id IN (SELECT value FROM json_each(:key_ids)) OR budget.user_id IN (SELECT value FROM json_each(:user_ids)))
    AND guardrail."limit" IS NOT NULL
ORDER BY budget.id;

-- name: read_generations
-- param: account_ids json
-- param: ids json
SELECT id, state, hold, cost
FROM gateway_generation
WHERE account_id IN (SELECT value FROM json_each(:account_ids)) AND id IN (SELECT value FROM json_each(:ids));

-- name: delete_generations
-- param: account_ids json
-- param: ids json
DELETE FROM gateway_generation
WHERE account_id IN (SELECT value FROM json_each(:account_ids)) AND id IN (SELECT value FROM json_each(:ids));

-- name: insert_holds
-- param: rows json
INSERT INTO gateway_hold (
    id, account_id, key_id, user_id, source, requested_model, streamed, created_at,
    app, app_title, user_agent, external_user, session_id, preset_version_id,
    amount, process_id, byok_share, byok_listed
)
SELECT
    json_extract(value, '$.id'),
    json_extract(value, '$.account_id'),
    json_extract(value, '$.key_id'),
    json_extract(value, '$.user_id'),
    json_extract(value, '$.source'),
    json_extract(value, '$.requested_model'),
    coalesce(json_extract(value, '$.streamed'), false),
    replace(rtrim(json_extract(value, '$.created_at'), 'Z'), 'T', ' '),
    coalesce(json_extract(value, '$.app'), ''),
    coalesce(json_extract(value, '$.app_title'), ''),
    coalesce(json_extract(value, '$.user_agent'), ''),
    coalesce(json_extract(value, '$.external_user'), ''),
    coalesce(json_extract(value, '$.session_id'), ''),
    coalesce(json_extract(value, '$.preset_version_id'), 0),
    json_extract(value, '$.amount'),
    json_extract(value, '$.process_id'),
    json_extract(value, '$.byok_share'),
    coalesce(json_extract(value, '$.byok_listed'), 0)
FROM json_each(:rows);

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
    json_extract(value, '$.id'),
    json_extract(value, '$.account_id'),
    json_extract(value, '$.key_id'),
    json_extract(value, '$.user_id'),
    json_extract(value, '$.source'),
    json_extract(value, '$.requested_model'),
    coalesce(json_extract(value, '$.streamed'), false),
    replace(rtrim(json_extract(value, '$.created_at'), 'Z'), 'T', ' '),
    coalesce(json_extract(value, '$.app'), ''),
    coalesce(json_extract(value, '$.app_title'), ''),
    coalesce(json_extract(value, '$.user_agent'), ''),
    coalesce(json_extract(value, '$.external_user'), ''),
    coalesce(json_extract(value, '$.session_id'), ''),
    coalesce(json_extract(value, '$.preset_version_id'), 0),
    coalesce(json_extract(value, '$.state'), ''),
    coalesce(json_extract(value, '$.model'), ''),
    coalesce(json_extract(value, '$.provider'), ''),
    coalesce(json_extract(value, '$.endpoint'), ''),
    coalesce(json_extract(value, '$.reason'), ''),
    coalesce(json_extract(value, '$.simulated'), false),
    coalesce(json_extract(value, '$.provider_key_id'), 0),
    coalesce(json_extract(value, '$.byok_key_id'), 0),
    coalesce(json_extract(value, '$.upstream_id'), ''),
    coalesce(json_extract(value, '$.cancelled'), false),
    coalesce(json_extract(value, '$.finish_reason'), ''),
    coalesce(json_extract(value, '$.native_finish_reason'), ''),
    json_extract(value, '$.error_status'),
    coalesce(json_extract(value, '$.failed_attempts'), '[]'),
    coalesce(json_extract(value, '$.prompt_tokens'), 0),
    coalesce(json_extract(value, '$.completion_tokens'), 0),
    coalesce(json_extract(value, '$.reasoning_tokens'), 0),
    coalesce(json_extract(value, '$.cached_tokens'), 0),
    coalesce(json_extract(value, '$.cache_write_tokens'), 0),
    coalesce(json_extract(value, '$.cache_write_1h_tokens'), 0),
    coalesce(json_extract(value, '$.audio_tokens'), 0),
    coalesce(json_extract(value, '$.token_source'), 'none'),
    coalesce(json_extract(value, '$.hold'), 0),
    coalesce(json_extract(value, '$.cost'), 0),
    coalesce(json_extract(value, '$.write_off'), 0),
    coalesce(json_extract(value, '$.byok_cost'), 0),
    coalesce(json_extract(value, '$.discount'), 0),
    coalesce(json_extract(value, '$.price'), '{}'),
    coalesce(json_extract(value, '$.discount_basis_points'), 0),
    coalesce(json_extract(value, '$.images'), 0),
    coalesce(json_extract(value, '$.output_images'), 0),
    coalesce(json_extract(value, '$.output_image_tokens'), 0),
    coalesce(json_extract(value, '$.api_type'), 'completions'),
    coalesce(json_extract(value, '$.search_units'), 0),
    coalesce(json_extract(value, '$.web_search_engine'), ''),
    coalesce(json_extract(value, '$.web_search_results'), 0),
    coalesce(json_extract(value, '$.response_cache_source_id'), ''),
    coalesce(json_extract(value, '$.use'), ''),
    replace(rtrim(json_extract(value, '$.settled_at'), 'Z'), 'T', ' '),
    json_extract(value, '$.latency_ms'),
    json_extract(value, '$.duration_ms'),
    json_extract(value, '$.upstream_latency_ms')
FROM json_each(:rows);

-- name: update_accounts
-- param: rows json
UPDATE billing_creditaccount
SET usage = new.usage, held = new.held
FROM (
    SELECT
        json_extract(value, '$.id') AS id,
        json_extract(value, '$.usage') AS usage,
        json_extract(value, '$.held') AS held
    FROM json_each(:rows)
) AS new
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
FROM (
    SELECT
        json_extract(value, '$.id') AS id,
        json_extract(value, '$.usage') AS usage,
        json_extract(value, '$.window_usage') AS window_usage,
        json_extract(value, '$.byok_usage') AS byok_usage,
        json_extract(value, '$.window_byok_usage') AS window_byok_usage,
        replace(rtrim(json_extract(value, '$.window_started_at'), 'Z'), 'T', ' ') AS window_started_at,
        replace(rtrim(json_extract(value, '$.last_used_at'), 'Z'), 'T', ' ') AS last_used_at
    FROM json_each(:rows)
) AS new
WHERE keys_apikey.id = new.id;

-- name: update_members
-- param: rows json
UPDATE accounts_membership
SET window_usage = new.window_usage, window_started_at = new.window_started_at
FROM (
    SELECT
        json_extract(value, '$.id') AS id,
        json_extract(value, '$.window_usage') AS window_usage,
        replace(rtrim(json_extract(value, '$.window_started_at'), 'Z'), 'T', ' ') AS window_started_at
    FROM json_each(:rows)
) AS new
WHERE accounts_membership.id = new.id;

-- name: update_budgets
-- param: rows json
UPDATE guardrails_assignment
SET window_usage = new.window_usage, window_started_at = new.window_started_at
FROM (
    SELECT
        json_extract(value, '$.id') AS id,
        json_extract(value, '$.window_usage') AS window_usage,
        replace(rtrim(json_extract(value, '$.window_started_at'), 'Z'), 'T', ' ') AS window_started_at
    FROM json_each(:rows)
) AS new
WHERE guardrails_assignment.id = new.id;

-- name: add_to_hours
-- param: rows json
INSERT INTO gateway_usagehour (
    account_id, hour, key_id, user_id, model, provider, app, source,
    requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost,
    byok_cost, discount, latency_ms, duration_ms
)
SELECT
    json_extract(value, '$.account_id'),
    replace(rtrim(json_extract(value, '$.hour'), 'Z'), 'T', ' '),
    json_extract(value, '$.key_id'),
    json_extract(value, '$.user_id'),
    json_extract(value, '$.model'),
    json_extract(value, '$.provider'),
    json_extract(value, '$.app'),
    json_extract(value, '$.source'),
    coalesce(json_extract(value, '$.requests'), 0),
    coalesce(json_extract(value, '$.failures'), 0),
    coalesce(json_extract(value, '$.prompt_tokens'), 0),
    coalesce(json_extract(value, '$.completion_tokens'), 0),
    coalesce(json_extract(value, '$.reasoning_tokens'), 0),
    coalesce(json_extract(value, '$.cached_tokens'), 0),
    coalesce(json_extract(value, '$.cost'), 0),
    coalesce(json_extract(value, '$.byok_cost'), 0),
    coalesce(json_extract(value, '$.discount'), 0),
    coalesce(json_extract(value, '$.latency_ms'), 0),
    coalesce(json_extract(value, '$.duration_ms'), 0)
FROM json_each(:rows)
WHERE true  -- without it, SQLite parses ON as the condition of a join
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
    json_extract(value, '$.account_id'),
    json_extract(value, '$.day'),
    json_extract(value, '$.app'),
    json_extract(value, '$.model'),
    json_extract(value, '$.use'),
    json_extract(value, '$.requests'),
    json_extract(value, '$.prompt_tokens'),
    json_extract(value, '$.completion_tokens')
FROM json_each(:rows)
WHERE true  -- without it, SQLite parses ON as the condition of a join
ON CONFLICT (account_id, day, app, model, use) DO UPDATE SET
    requests = gateway_classifiedday.requests + excluded.requests,
    prompt_tokens = gateway_classifiedday.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = gateway_classifiedday.completion_tokens + excluded.completion_tokens;

-- name: reopen_usage
-- param: rows json
UPDATE gateway_usagerollup
SET until = late.day
FROM (
    SELECT
        json_extract(value, '$.account_id') AS account_id,
        replace(rtrim(json_extract(value, '$.day'), 'Z'), 'T', ' ') AS day
    FROM json_each(:rows)
) AS late
WHERE gateway_usagerollup.account_id = late.account_id AND gateway_usagerollup.until > late.day;

-- name: add_to_spend
-- param: rows json
INSERT INTO gateway_providerspend (
    provider, provider_key_id, process_id, requests, cost
)
SELECT
    json_extract(value, '$.provider'),
    json_extract(value, '$.provider_key_id'),
    json_extract(value, '$.process_id'),
    coalesce(json_extract(value, '$.requests'), 0),
    coalesce(json_extract(value, '$.cost'), 0)
FROM json_each(:rows)
WHERE true  -- without it, SQLite parses ON as the condition of a join
ON CONFLICT (provider, provider_key_id, process_id) DO UPDATE SET
    requests = gateway_providerspend.requests + excluded.requests,
    cost = gateway_providerspend.cost + excluded.cost;

-- name: read_own_key_months
-- param: ids json
SELECT account_id, month, requests, listed, free_requests, free_listed
FROM gateway_ownkeymonth
WHERE account_id IN (SELECT value FROM json_each(:ids));

-- name: sum_own_key_shares
-- param: ids json
SELECT account_id, substr(created_at, 1, 7) AS month, sum(byok_share)
FROM gateway_hold
WHERE account_id IN (SELECT value FROM json_each(:ids)) AND byok_share IS NOT NULL
GROUP BY account_id, month;

-- name: add_to_own_key_months
-- param: rows json
INSERT INTO gateway_ownkeymonth (
    account_id, month, requests, listed, free_requests, free_listed
)
SELECT
    json_extract(value, '$.account_id'),
    json_extract(value, '$.month'),
    json_extract(value, '$.requests'),
    json_extract(value, '$.listed'),
    json_extract(value, '$.free_requests'),
    json_extract(value, '$.free_listed')
FROM json_each(:rows)
WHERE true  -- without it, SQLite parses ON as the condition of a join
ON CONFLICT (account_id, month) DO UPDATE SET
    requests = gateway_ownkeymonth.requests + excluded.requests,
    listed = gateway_ownkeymonth.listed + excluded.listed,
    free_requests = gateway_ownkeymonth.free_requests + excluded.free_requests,
    free_listed = gateway_ownkeymonth.free_listed + excluded.free_listed;
