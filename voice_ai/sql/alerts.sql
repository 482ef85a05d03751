-- name: hold
-- Two that raise the same alert at once would make two rows of it.
SELECT pg_advisory_xact_lock(hashtext('alert ' || %(name)s))

-- name: again
-- The open alert of that rule; it counts as fired again only when it says something new.
UPDATE alerts SET summary = %(summary)s, severity = %(severity)s,
       count = count + (summary <> %(summary)s)::int
WHERE name = %(name)s AND campaign_id IS NULL AND cleared_at IS NULL
RETURNING id

-- name: raise_new
INSERT INTO alerts (name, severity, summary, count, raised_at)
VALUES (%(name)s, %(severity)s, %(summary)s, 1, %(now)s)

-- name: clear
UPDATE alerts SET cleared_at = %(now)s
WHERE name = %(name)s AND campaign_id IS NULL AND cleared_at IS NULL
RETURNING id

-- name: open_below
-- Open alerts whose rule begins with :prefix.
SELECT name, severity, summary, count, raised_at FROM alerts
WHERE starts_with(name, %(prefix)s) AND cleared_at IS NULL ORDER BY raised_at
