-- name: one_import_at_a_time
-- Two imports that met on the same new numbers could deadlock; the second one waits.
SELECT pg_advisory_xact_lock(hashtext('voice-ai import'))

-- name: seller_of
-- One row, made when there is none.
WITH made AS (
    INSERT INTO sellers (name, legal_name, rehearsal, created_at)
    VALUES (%(name)s, %(name)s, %(rehearsal)s, %(now)s)
    ON CONFLICT (name) DO NOTHING
    RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM sellers WHERE name = %(name)s LIMIT 1

-- name: list_of
-- One row, made when there is none; its lead positions go on after the last.
WITH made AS (
    INSERT INTO lead_lists (seller_id, name, consent_kind, consent_attested_by,
        consent_attested_at, rehearsal, created_at)
    VALUES (%(seller_id)s, %(name)s, %(consent_kind)s, %(attested_by)s, %(attested_at)s,
        %(rehearsal)s, %(now)s)
    ON CONFLICT (seller_id, name) DO NOTHING
    RETURNING id, rehearsal, true AS is_new
)
SELECT * FROM made
UNION ALL
SELECT id, rehearsal, false FROM lead_lists WHERE seller_id = %(seller_id)s AND name = %(name)s
LIMIT 1

-- name: find_list
SELECT l.id, s.id AS seller_id FROM lead_lists l JOIN sellers s ON s.id = l.seller_id
WHERE s.name = %(seller)s AND l.name = %(name)s

-- name: last_position
SELECT coalesce(max(position), 0) AS position FROM leads WHERE list_id = %(list_id)s

-- name: same_import
SELECT report FROM import_runs
WHERE list_id = %(list_id)s AND file_sha256 = %(file_sha256)s
  AND mapping_sha256 = %(mapping_sha256)s AND undone_at IS NULL

-- name: open_run
INSERT INTO import_runs (id, list_id, file_name, file_sha256, mapping_sha256, mapping, rows_read,
    rows_accepted, rows_rejected, started_at, finished_at)
VALUES (%(id)s, %(list_id)s, %(file_name)s, %(file_sha256)s, %(mapping_sha256)s, %(mapping)s, 0,
    0, 0, %(now)s, %(now)s)

-- name: close_run
UPDATE import_runs SET report = %(report)s, rows_read = %(rows)s, rows_accepted = %(accepted)s,
    rows_rejected = %(rejected)s, finished_at = %(now)s
WHERE id = %(id)s

-- name: known_numbers
-- Of the fingerprints given, those that have a number already.
SELECT n.fingerprint, n.id, n.erased_at IS NOT NULL AS erased,
       %(list_id)s::uuid IS NOT NULL AND EXISTS (
           SELECT FROM leads l WHERE l.list_id = %(list_id)s AND l.number_id = n.id) AS on_list
FROM numbers n WHERE n.fingerprint = ANY(%(fingerprints)s)

-- name: any_number
SELECT EXISTS (SELECT FROM numbers) AS found

-- name: last_number
SELECT coalesce(max(id), 0) AS id FROM numbers

-- name: new_numbers
-- The ids above :after as this transaction sees them.
SELECT count(*) AS count, min(id) AS first, max(id) AS last FROM numbers WHERE id > %(after)s

-- name: numbers_after
SELECT fingerprint, id FROM numbers WHERE id > %(after)s AND fingerprint = ANY(%(fingerprints)s)

-- name: insert_numbers
-- Beside a session that adds the same numbers at the same time.
INSERT INTO numbers (fingerprint, number_sealed, key_id, person_key, country, line_type, zones,
    states, created_at)
SELECT n.fingerprint, n.sealed, %(key_id)s, n.person_key, n.country, n.line_type,
    string_to_array(n.zones, ','), string_to_array(n.states, ','), %(now)s
FROM unnest(%(fingerprints)s::bytea[], %(sealed)s::bytea[], %(person_keys)s::uuid[],
    %(countries)s::text[], %(line_types)s::text[], %(zones)s::text[], %(states)s::text[])
    AS n(fingerprint, sealed, person_key, country, line_type, zones, states)
ON CONFLICT (fingerprint) DO NOTHING

-- name: ids_of
SELECT fingerprint, id FROM numbers WHERE fingerprint = ANY(%(fingerprints)s)

-- name: suppressed_leads
SELECT count(DISTINCT l.id) AS count
FROM suppressions s JOIN leads l ON l.number_id = s.number_id
WHERE l.run_id = %(run_id)s AND (s.scope = 'all' OR s.seller_id = %(seller_id)s)
