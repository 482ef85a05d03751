-- name: all_caller_ids
-- Our numbers with their sellers, standing and dials of the last 24 hours.
SELECT i.number_id, n.number_sealed, s.name AS seller, i.label, i.active, i.country, i.states,
       i.standing, i.standing_since, i.cool_until, i.daily_ceiling, i.inbound_ok_at,
       (SELECT count(*) FROM attempts a WHERE a.caller_id_number = i.number_id
          AND a.intended_at > %(now)s - interval '24 hours'
          AND coalesce(a.disposition, '') <> 'not_dialed') AS dials
FROM caller_ids i JOIN numbers n ON n.id = i.number_id JOIN sellers s ON s.id = i.seller_id
ORDER BY s.name, i.label, i.number_id

-- name: find
SELECT i.number_id FROM caller_ids i JOIN numbers n ON n.id = i.number_id
WHERE n.fingerprint = %(fingerprint)s

-- name: lock
SELECT active FROM caller_ids WHERE number_id = %(number_id)s FOR UPDATE

-- name: change
-- Who changed it is said in the log of the process that did.
UPDATE caller_ids SET
    standing = coalesce(%(standing)s, standing),
    standing_since = CASE WHEN %(standing)s::text IS NULL THEN standing_since ELSE %(now)s END,
    cool_until = CASE WHEN %(standing)s::text IS NULL THEN cool_until ELSE %(until)s END,
    daily_ceiling = CASE WHEN %(set_ceiling)s THEN %(ceiling)s ELSE daily_ceiling END,
    active = coalesce(%(active)s, active)
WHERE number_id = %(number_id)s AND (
    coalesce(%(standing)s, standing), coalesce(%(active)s, active),
    CASE WHEN %(set_ceiling)s THEN %(ceiling)s ELSE daily_ceiling END)
    IS DISTINCT FROM (standing, active, daily_ceiling)
RETURNING number_id
