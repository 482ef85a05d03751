-- name: register
-- Again after a lost connection, with the lock of the new one.
INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at)
VALUES (%(id)s, %(kind)s, %(host)s, %(pid)s, %(lock_key)s, now(), now())
ON CONFLICT (id) DO UPDATE SET lock_key = excluded.lock_key, seen_at = now()

-- name: hold_lock
SELECT pg_advisory_lock(%(lock_key)s)

-- name: beat
UPDATE workers SET seen_at = now(), vitals = %(vitals)s WHERE id = %(id)s

-- name: leave
UPDATE workers SET seen_at = now(), stopped_at = now() WHERE id = %(id)s

-- name: alive
SELECT w.id, w.kind, w.host, w.pid, w.started_at, w.seen_at,
       w.seen_at > now() - interval '10 seconds' AS fresh
FROM workers w WHERE w.stopped_at IS NULL AND w.seen_at > now() - interval '1 hour'
ORDER BY w.kind, w.started_at

-- name: processes
-- Those that are there, those that went silent, and who left during the last day; no parameters.
SELECT w.id, w.kind, w.host, w.pid, w.started_at, w.seen_at, w.stopped_at, w.vitals,
       CASE WHEN w.stopped_at IS NOT NULL THEN 'stopped'
            WHEN w.seen_at > now() - interval '10 seconds' THEN 'alive' ELSE 'stale' END AS state,
       extract(epoch FROM coalesce(w.stopped_at, now()) - w.started_at)::float8 AS up_s,
       extract(epoch FROM now() - w.seen_at)::float8 AS silent_s
FROM workers w WHERE w.seen_at > now() - interval '1 day'
ORDER BY w.stopped_at IS NOT NULL, w.kind, w.started_at DESC LIMIT 200
