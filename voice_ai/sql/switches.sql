-- name: all
-- Those that stop calls now first, then the newest. A number is shown by the label of its caller id.
SELECT w.id, w.kind, w.key, w.reason, w.set_by, w.set_at, w.cleared_by, w.cleared_at,
       coalesce(c.name, i.label, w.key) AS what
FROM switches w
LEFT JOIN campaigns c ON w.kind = 'campaign' AND c.id::text = w.key
LEFT JOIN caller_ids i ON w.kind = 'caller_id' AND i.number_id::text = w.key
ORDER BY w.cleared_at IS NOT NULL, w.id DESC LIMIT %(limit)s

-- name: find_on
SELECT id, reason, set_by, set_at FROM switches
WHERE kind = %(kind)s AND key = %(key)s AND cleared_at IS NULL ORDER BY id LIMIT 1

-- name: set
INSERT INTO switches (kind, key, reason, set_by, set_at)
VALUES (%(kind)s, %(key)s, %(reason)s, %(by)s, %(now)s) RETURNING id

-- name: clear
-- Whoever lifts it is named; that it was there stays written.
UPDATE switches SET cleared_by = %(by)s, cleared_at = %(now)s
WHERE id = %(id)s AND cleared_at IS NULL RETURNING kind, key

-- name: caller_id
SELECT i.number_id FROM caller_ids i JOIN numbers n ON n.id = i.number_id
WHERE n.fingerprint = %(fingerprint)s

-- name: wait_for_sends
-- Returns when no request that was checked before the switch is on its way. A sender holds its
-- campaign's lock, shared; who takes it after this statement began reads the switch.
WITH held AS MATERIALIZED (
    SELECT DISTINCT k.key
    FROM (SELECT hashtextextended('campaign:' || id::text, 0) AS key FROM campaigns
          WHERE %(campaign_id)s::uuid IS NULL OR id = %(campaign_id)s) k
    JOIN pg_locks l ON (l.classid::bigint << 32) | l.objid::bigint = k.key
    WHERE l.locktype = 'advisory' AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY k.key)
SELECT pg_advisory_xact_lock(key) FROM held
