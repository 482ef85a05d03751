-- name: lock
-- One row after the other: each carries the hash of the one before.
SELECT pg_advisory_xact_lock(hashtext('audit_log'))

-- name: last
SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1

-- name: append
INSERT INTO audit_log (actor, action, subject, details, previous_hash, hash, at)
VALUES (%(actor)s, %(action)s, %(subject)s, %(details)s, %(previous_hash)s, %(hash)s, %(at)s)

-- name: every
SELECT id, actor, action, subject, details, previous_hash, hash, at FROM audit_log ORDER BY id
