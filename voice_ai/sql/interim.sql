-- name: abandoned
-- Of people who picked up in the last thirty days: those who heard nothing of ours in time, as the
-- pacing counts them.
SELECT count(*) AS humans, count(*) FILTER (
           WHERE a.disposition = 'abandoned' OR coalesce(a.first_audio_ms > %(late_ms)s, false))
           AS abandoned
FROM attempts a JOIN dispositions f ON f.code = a.disposition AND f.human_answered
WHERE a.campaign_id = %(campaign_id)s::uuid AND a.state = 'ended'
  AND a.intended_at > %(as_of)s - interval '30 days'

-- name: errors
-- What went wrong most often, in the words of whoever ended the attempt, with the carrier's code.
SELECT coalesce(a.end_reason, 'unknown') AS reason, k.error_code, k.sip_code, count(*) AS n,
       max(a.ended_at) AS last_at
FROM attempts a
LEFT JOIN LATERAL (SELECT c.error_code, c.sip_code FROM calls c WHERE c.attempt_id = a.id
                   ORDER BY c.created_at DESC LIMIT 1) k ON true
WHERE a.campaign_id = %(campaign_id)s::uuid
  AND a.disposition IN ('failed_transient', 'failed_permanent', 'not_dialed', 'abandoned',
                        'dead_air')
GROUP BY 1, 2, 3 ORDER BY n DESC, reason, error_code LIMIT 5
