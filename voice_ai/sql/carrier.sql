-- name: limits
SELECT max_concurrent, calls_per_second, daily_spend, per_minute, set_by, set_at
FROM carrier_limits WHERE account = %(account)s

-- name: set_limits
INSERT INTO carrier_limits (account, max_concurrent, calls_per_second, daily_spend, per_minute,
    set_by, set_at)
VALUES (%(account)s, %(max_concurrent)s, %(calls_per_second)s, %(daily_spend)s, %(per_minute)s,
    %(set_by)s, %(now)s)
ON CONFLICT (account) DO UPDATE SET max_concurrent = excluded.max_concurrent,
    calls_per_second = excluded.calls_per_second, daily_spend = excluded.daily_spend,
    per_minute = excluded.per_minute, set_by = excluded.set_by, set_at = excluded.set_at
