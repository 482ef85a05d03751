-- name: revoked_calls
-- Live calls whose number may not be called any more, marked with the reason of their end.
-- Few calls are live, and each is looked up by its number.
UPDATE attempts a SET end_reason = coalesce(a.end_reason, 'suppressed'), version = a.version + 1
FROM campaigns c, calls k
WHERE c.id = a.campaign_id AND k.attempt_id = a.id AND a.state <> 'ended'
  AND a.state IN ('placed', 'ringing', 'in_progress') AND a.rehearsal = %(rehearsal)s
  AND k.status NOT IN ('completed', 'busy', 'failed', 'no-answer', 'canceled')
  AND EXISTS (
      SELECT FROM suppressions s WHERE s.number_id = a.number_id
        -- Said in this very call: it is saying goodbye.
        AND s.attempt_id IS DISTINCT FROM a.id
        AND (s.scope = 'all' OR (a.state <> 'in_progress'
             AND (s.seller_id = c.seller_id OR s.campaign_id = c.id))))
RETURNING a.id, k.carrier_sid

-- name: is_revoked
-- Whether the person of an attempt may not be called any more.
SELECT EXISTS (
    SELECT FROM suppressions s
    WHERE s.number_id = %(number_id)s
      AND (s.scope = 'all' OR s.seller_id = %(seller_id)s OR s.campaign_id = %(campaign_id)s)
) AS revoked
