-- name: demos_so_far
SELECT count(*) AS n FROM campaigns WHERE name ~ '^Demo [0-9]+$'

-- name: stop_left_overs
UPDATE campaigns SET state = 'stopped', state_since = %(now)s
WHERE name ~ '^Demo [0-9]+$' AND state IN ('running', 'paused', 'draining')

-- name: progress
SELECT c.state,
       (SELECT count(DISTINCT a.lead_id) FROM attempts a
        WHERE a.campaign_id = c.id AND a.placed_at IS NOT NULL) AS accepted,
       (SELECT count(*) FROM attempts a
        WHERE a.campaign_id = c.id AND a.placed_at IS NOT NULL AND a.state = 'ended') AS finished,
       (SELECT count(*) FROM attempts a
        WHERE a.campaign_id = c.id AND a.state <> 'ended') AS live,
       (SELECT count(*) FROM turns t JOIN attempts a ON a.id = t.attempt_id
        WHERE a.campaign_id = c.id) AS turns
FROM campaigns c WHERE c.id = %(campaign_id)s

-- name: totals
SELECT count(*) FILTER (WHERE a.disposition IS DISTINCT FROM 'not_dialed') AS attempts,
       count(*) FILTER (WHERE a.disposition = 'not_dialed') AS not_dialed,
       (SELECT count(*) FROM turns t JOIN attempts x ON x.id = t.attempt_id
        WHERE x.campaign_id = %(campaign_id)s) AS turns,
       (SELECT count(*) FROM call_events e JOIN attempts x ON x.id = e.attempt_id
        WHERE x.campaign_id = %(campaign_id)s AND x.disposition IS DISTINCT FROM 'not_dialed')
           AS events
FROM attempts a WHERE a.campaign_id = %(campaign_id)s

-- name: calls_by_status
SELECT coalesce(a.carrier_status, a.state) AS name, count(*) AS n FROM attempts a
WHERE a.campaign_id = %(campaign_id)s AND a.disposition IS DISTINCT FROM 'not_dialed'
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: dispositions
SELECT coalesce(a.disposition, a.state) AS name, count(*) AS n FROM attempts a
WHERE a.campaign_id = %(campaign_id)s AND a.disposition IS DISTINCT FROM 'not_dialed'
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: decisions_by_reason
-- Decisions when leads were chosen: ALLOWED for each dial that reached the carrier, refusals by
-- reason; a refusal with two reasons counts under both.
SELECT r.reason AS name, count(*) AS n
FROM decisions d LEFT JOIN attempts a ON a.id = d.attempt_id
CROSS JOIN LATERAL unnest(CASE WHEN d.allow THEN ARRAY['ALLOWED'] ELSE d.reasons END) AS r(reason)
WHERE d.campaign_id = %(campaign_id)s AND d.stage = 'claim'
  AND a.disposition IS DISTINCT FROM 'not_dialed'
GROUP BY 1 ORDER BY 2 DESC, 1
