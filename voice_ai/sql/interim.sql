-- name: abandoned
-- Of people who picked up in the last thirty days: those who heard nobody in time.
SELECT count(*) FILTER (WHERE f.human_answered) AS humans,
       count(*) FILTER (WHERE a.disposition = 'abandoned') AS abandoned
FROM attempts a JOIN dispositions f ON f.code = a.disposition
WHERE a.campaign_id = %(campaign_id)s AND a.state = 'ended'
  AND a.intended_at > %(now)s - interval '30 days'

-- name: errors
-- What went wrong most often, in the words of whoever ended the attempt, with the carrier's code.
SELECT coalesce(a.end_reason, 'unknown') AS reason, k.error_code, k.sip_code, count(*) AS n,
       max(a.ended_at) AS last_at
FROM attempts a
LEFT JOIN LATERAL (SELECT c.error_code, c.sip_code FROM calls c WHERE c.attempt_id = a.id
                   ORDER BY c.created_at DESC LIMIT 1) k ON true
WHERE a.campaign_id = %(campaign_id)s
  AND a.disposition IN ('failed_transient', 'failed_permanent', 'not_dialed', 'abandoned',
                        'dead_air')
GROUP BY 1, 2, 3 ORDER BY n DESC, reason, error_code LIMIT 5

-- name: cost
-- What was spent, where every line of it has a price; `unpriced` lines have none.
SELECT l.currency, sum(l.amount)::float8 AS amount, count(*) FILTER (WHERE l.amount IS NULL)
    AS unpriced
FROM cost_lines l JOIN attempts a ON a.id = l.attempt_id
WHERE a.campaign_id = %(campaign_id)s GROUP BY l.currency ORDER BY amount DESC NULLS LAST

-- name: pace_changes
SELECT kind, reason, at, subject IS NOT NULL AS of_caller_id FROM pace_changes
WHERE campaign_id = %(campaign_id)s ORDER BY at DESC, id DESC LIMIT 10
