-- name: hold
-- One deliverer after the other; each then sees what the one before has written.
SELECT pg_advisory_xact_lock(hashtext('model trail'))

-- name: known
-- Which of these steps are in the audit log already, by the id that each carries.
SELECT details ->> 'entry' AS entry FROM audit_log
WHERE action LIKE 'model.%%' AND details ->> 'entry' = ANY(%(entries)s)

-- name: judged
INSERT INTO gate_results
    (task, model_name, model_version, artifact_sha256, passed, checks, judged_at)
VALUES (%(task)s, %(model_name)s, %(version)s, %(artifact_sha256)s, %(passed)s, %(checks)s, %(at)s)
