-- name: newest
-- The snapshot in force of every source.
SELECT DISTINCT ON (source) id, source, country, sha256, rows, taken_at, loaded_at
FROM list_snapshots ORDER BY source, id DESC

-- name: in_force
-- The snapshot in force of one source.
SELECT id, sha256, rows, taken_at
FROM list_snapshots WHERE source = %(source)s ORDER BY id DESC LIMIT 1

-- name: one_load_at_a_time
SELECT pg_advisory_xact_lock(hashtext('list ' || %(source)s))

-- name: stage
CREATE TEMPORARY TABLE staged_entries (fingerprint bytea NOT NULL) ON COMMIT DROP

-- name: add_snapshot
INSERT INTO list_snapshots (source, country, sha256, rows, taken_at, loaded_at)
VALUES (%(source)s, %(country)s, %(sha256)s, 0, %(taken_at)s, %(now)s) RETURNING id

-- name: count_rows
UPDATE list_snapshots SET rows = %(rows)s WHERE id = %(snapshot_id)s

-- name: drop_entries
DELETE FROM list_entries WHERE source = %(source)s

-- name: put_entries
INSERT INTO list_entries (source, fingerprint, snapshot_id)
SELECT DISTINCT %(source)s, fingerprint, %(snapshot_id)s::bigint
FROM staged_entries ORDER BY fingerprint
