-- name: ask
INSERT INTO flow_requests (flow, parameters, state, asked_by, asked_at)
VALUES (%(flow)s, %(parameters)s, 'asked', %(asked_by)s, %(now)s) RETURNING id

-- name: look
SELECT id, flow, parameters, state, asked_by, progress, message, result, flow_run_id, asked_at,
       started_at, finished_at
FROM flow_requests WHERE id = %(id)s

-- name: recent
SELECT id, flow, parameters, state, asked_by, progress, message, result, flow_run_id, asked_at,
       started_at, finished_at
FROM flow_requests WHERE %(flow)s::text IS NULL OR flow = %(flow)s
ORDER BY asked_at DESC, id LIMIT %(limit)s

-- name: cancel
-- Only what nobody has begun.
UPDATE flow_requests SET state = 'cancelled', finished_at = %(now)s, message = %(message)s
WHERE id = %(id)s AND state = 'asked' RETURNING id

-- name: claim
-- The oldest request of a flow that nobody runs: a flow runs once at a time.
WITH next AS (
    SELECT r.id FROM flow_requests r
    WHERE r.state = 'asked' AND NOT EXISTS (
        SELECT FROM flow_requests x WHERE x.flow = r.flow AND x.state = 'running')
    ORDER BY r.asked_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE flow_requests f SET state = 'running', started_at = %(now)s, worker_id = %(worker_id)s,
    progress = 0, message = 'starting'
FROM next WHERE f.id = next.id RETURNING f.id, f.flow, f.parameters

-- name: link_run
UPDATE flow_requests SET flow_run_id = %(flow_run_id)s WHERE id = %(id)s

-- name: record_run
-- A run that a schedule or Prefect's own pages began: on record like one that was asked for here.
INSERT INTO flow_requests (flow, parameters, state, asked_by, progress, message, flow_run_id,
    worker_id, asked_at, started_at)
VALUES (%(flow)s, %(parameters)s, 'running', %(asked_by)s, 0, 'starting', %(flow_run_id)s,
    %(worker_id)s, %(now)s, %(now)s) RETURNING id

-- name: tell
UPDATE flow_requests SET progress = coalesce(%(progress)s::float8, progress),
    message = coalesce(%(message)s::text, message)
WHERE id = %(id)s AND state = 'running'

-- name: finish
-- Only what is running: the first end stands.
UPDATE flow_requests SET state = %(state)s, finished_at = %(now)s,
    message = coalesce(%(message)s::text, message), result = %(result)s, progress = CASE WHEN %(state)s::text = 'done' THEN 1 ELSE progress END
WHERE id = %(id)s AND state = 'running' RETURNING id

-- name: running_of
SELECT id, flow, flow_run_id FROM flow_requests
WHERE state = 'running' AND worker_id = %(worker_id)s

-- name: interrupt_dead
-- What runs in a process that has left, or that is silent and has lost its lock.
UPDATE flow_requests f SET state = 'interrupted', finished_at = %(now)s, message = %(message)s
WHERE f.state = 'running' AND NOT EXISTS (
    SELECT FROM workers w WHERE w.id = f.worker_id AND w.stopped_at IS NULL AND (
        w.seen_at >= now() - %(dead_after)s * interval '1 second'
        OR EXISTS (SELECT FROM pg_locks g WHERE g.locktype = 'advisory' AND g.granted
            AND ((g.classid::bigint << 32) | g.objid::bigint) = w.lock_key)))
RETURNING f.id, f.flow, f.flow_run_id

-- name: interrupt_mine
UPDATE flow_requests SET state = 'interrupted', finished_at = %(now)s, message = %(message)s
WHERE state = 'running' AND worker_id = %(worker_id)s RETURNING id, flow, flow_run_id

-- name: last_runs
-- Per flow the newest that has begun.
SELECT DISTINCT ON (flow) flow, id, state, asked_by, message, started_at, finished_at
FROM flow_requests WHERE started_at IS NOT NULL ORDER BY flow, started_at DESC, id

-- name: serving
-- Whether a flows process is there to run what is asked.
SELECT EXISTS (SELECT FROM workers WHERE kind = 'flows' AND stopped_at IS NULL
    AND seen_at > now() - interval '10 seconds') AS serving
