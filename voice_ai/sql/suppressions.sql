-- name: add_numbers
-- Stores those numbers that are new, sealed; in one order, so that two batches cannot deadlock.
INSERT INTO numbers (fingerprint, number_sealed, key_id, zones, states, created_at)
SELECT n.fingerprint, n.sealed, %(key_id)s, '{}', '{}', %(now)s
FROM unnest(%(fingerprints)s::bytea[], %(sealed)s::bytea[]) AS n(fingerprint, sealed)
ORDER BY n.fingerprint
ON CONFLICT (fingerprint) DO NOTHING

-- name: ids_of
SELECT id FROM numbers WHERE fingerprint = ANY(%(fingerprints)s)

-- name: suppress
-- Writes what no suppression says already: a wider one covers a narrower one.
INSERT INTO suppressions (number_id, scope, seller_id, campaign_id, source, reason, attempt_id,
    added_by, created_at)
SELECT DISTINCT n.id, %(scope)s, %(seller_id)s::uuid, %(campaign_id)s::uuid, %(source)s, %(reason)s,
    %(attempt_id)s::uuid, %(added_by)s, %(now)s::timestamptz
FROM unnest(%(numbers)s::bigint[]) AS n(id)
WHERE NOT EXISTS (
    SELECT FROM suppressions s WHERE s.number_id = n.id
      AND (s.scope = 'all'
           OR (%(scope)s <> 'all' AND s.scope = 'seller' AND s.seller_id = %(covering_seller)s)
           OR (%(scope)s = 'campaign' AND s.scope = 'campaign'
               AND s.campaign_id = %(campaign_id)s)))
RETURNING number_id

-- name: revoke_consents
-- Those given to one seller, or to every seller.
UPDATE consents SET revoked_at = %(now)s, revoked_through = %(through)s
WHERE number_id = ANY(%(numbers)s) AND revoked_at IS NULL
  AND (%(seller_id)s::uuid IS NULL OR seller_id = %(seller_id)s)

-- name: wait_for_sends
-- Waits for every request to one of the numbers that is on its way: its sender holds the number's
-- lock, shared. Who takes the lock after this statement began reads the suppression, which is
-- committed by then; so only locks that are held now are waited for, however many numbers there are.
WITH numbers AS (
    SELECT hashtextextended('number:' || id::text, 0) AS key
    FROM unnest(%(numbers)s::bigint[]) AS id),
held AS MATERIALIZED (
    SELECT DISTINCT n.key FROM numbers n
    JOIN pg_locks l ON (l.classid::bigint << 32) | l.objid::bigint = n.key
    WHERE l.locktype = 'advisory' AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY n.key)
SELECT pg_advisory_xact_lock(key) FROM held

-- name: live_calls
SELECT count(*) AS count FROM attempts WHERE number_id = ANY(%(numbers)s) AND state <> 'ended'

-- name: first_cover
-- The first suppression that keeps the seller from calling the number.
SELECT created_at, scope, source, reason FROM suppressions
WHERE number_id = %(number_id)s
  AND (scope = 'all' OR (scope = 'seller' AND seller_id = %(seller_id)s))
ORDER BY id LIMIT 1

-- name: of_number
-- Everything said about one number, the newest first.
SELECT x.id, x.scope, s.name AS seller, c.name AS campaign, x.source, x.reason, x.attempt_id,
       x.added_by, x.created_at
FROM suppressions x LEFT JOIN sellers s ON s.id = x.seller_id
LEFT JOIN campaigns c ON c.id = x.campaign_id
WHERE x.number_id = %(number_id)s ORDER BY x.id DESC LIMIT 200

-- name: consents_of
SELECT o.id, s.name AS seller, o.kind, o.purpose, o.channel, o.evidence, o.obtained_at,
       o.expires_at, o.revoked_at, o.revoked_through
FROM consents o JOIN sellers s ON s.id = o.seller_id
WHERE o.number_id = %(number_id)s ORDER BY o.obtained_at DESC, o.id DESC LIMIT 200

-- name: contacts_of
-- Messages and calls from a number to ours, without what was said.
SELECT i.kind, i.heard, i.suppressed, s.name AS seller, i.received_at
FROM inbound_contacts i LEFT JOIN sellers s ON s.id = i.seller_id
WHERE i.number_id = %(number_id)s ORDER BY i.received_at DESC LIMIT 50

-- name: on_lists
-- The outside lists that have the number.
SELECT e.source, s.taken_at FROM list_entries e JOIN list_snapshots s ON s.id = e.snapshot_id
WHERE e.fingerprint = %(fingerprint)s ORDER BY e.source

-- name: newest
-- The newest suppressions, without the numbers.
SELECT x.id, right(n.person_key::text, 6) AS person, x.scope, s.name AS seller,
       c.name AS campaign, x.source, x.reason, x.added_by, x.created_at
FROM suppressions x JOIN numbers n ON n.id = x.number_id
LEFT JOIN sellers s ON s.id = x.seller_id LEFT JOIN campaigns c ON c.id = x.campaign_id
ORDER BY x.id DESC LIMIT %(limit)s

-- name: counts
-- Numbers that somebody must not call: in all, since a moment, and by the way they said so.
SELECT count(DISTINCT number_id) AS numbers,
       count(DISTINCT number_id) FILTER (WHERE created_at >= %(since)s) AS recent,
       count(DISTINCT number_id) FILTER (WHERE scope = 'all') AS for_all
FROM suppressions

-- name: by_source
SELECT source, count(DISTINCT number_id) AS numbers,
       count(DISTINCT number_id) FILTER (WHERE created_at >= %(since)s) AS recent,
       max(created_at) AS newest
FROM suppressions GROUP BY source ORDER BY numbers DESC, source
