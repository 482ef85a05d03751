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

-- name: caller_ids
-- Our numbers with their sellers, standing and dials of the last 24 hours.
SELECT i.number_id, n.number_sealed, s.name AS seller, i.label, i.active, i.country, i.states,
       i.standing, i.standing_since, i.cool_until, i.daily_ceiling, i.inbound_ok_at,
       (SELECT count(*) FROM attempts a WHERE a.caller_id_number = i.number_id
          AND a.intended_at > %(now)s - interval '24 hours'
          AND coalesce(a.disposition, '') <> 'not_dialed') AS dials
FROM caller_ids i JOIN numbers n ON n.id = i.number_id JOIN sellers s ON s.id = i.seller_id
ORDER BY s.name, i.label, i.number_id

-- name: change_caller_id
UPDATE caller_ids SET
    standing = coalesce(%(standing)s, standing),
    standing_since = CASE WHEN %(standing)s::text IS NULL THEN standing_since ELSE %(now)s END,
    cool_until = CASE WHEN %(standing)s::text IS NULL THEN cool_until ELSE %(until)s END,
    daily_ceiling = CASE WHEN %(set_ceiling)s THEN %(ceiling)s ELSE daily_ceiling END,
    active = coalesce(%(active)s, active)
WHERE number_id = %(number_id)s RETURNING number_id
