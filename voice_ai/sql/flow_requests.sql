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
