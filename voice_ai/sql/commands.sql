-- name: ask
INSERT INTO commands (campaign_id, kind, asked_by, reason, parameters, asked_at)
VALUES (%(campaign_id)s, %(kind)s, %(asked_by)s, %(reason)s, %(parameters)s, %(now)s) RETURNING id

-- name: open_commands
SELECT id, campaign_id, kind, asked_by, reason, parameters FROM commands
WHERE obeyed_at IS NULL ORDER BY id
FOR UPDATE SKIP LOCKED

-- name: answer
UPDATE commands SET obeyed_at = %(now)s, outcome = %(outcome)s WHERE id = %(id)s

-- name: look
SELECT id, kind, asked_at, obeyed_at, outcome FROM commands WHERE id = %(id)s

-- name: set_campaign_state
UPDATE campaigns SET state = %(state)s,
    state_since = CASE WHEN state = %(state)s THEN state_since ELSE %(now)s END,
    drain_until = %(drain_until)s
WHERE (id = %(campaign_id)s OR %(campaign_id)s::uuid IS NULL) AND state = ANY(%(from_states)s)
RETURNING id, name

-- name: campaign_state
SELECT state FROM campaigns WHERE id = %(campaign_id)s

-- name: drained_campaigns
UPDATE campaigns c SET state = 'stopped', state_since = %(now)s, drain_until = NULL
WHERE c.state = 'draining'
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.campaign_id = c.id AND a.state <> 'ended')
RETURNING c.id

-- name: overdue_campaigns
-- Whose live calls must end now: drains that took too long, and stopped ones whose calls turned up
-- after the emergency stop.
SELECT c.id FROM campaigns c
WHERE (c.state = 'draining' AND c.drain_until <= %(now)s OR c.state = 'emergency_stopped')
  AND EXISTS (SELECT FROM attempts a WHERE a.campaign_id = c.id AND a.state <> 'ended')

-- name: wait_for_sends
-- Returns when no send of that campaign is in flight (DESIGN, the send gate).
SELECT pg_advisory_xact_lock(hashtextextended('campaign:' || %(campaign_id)s::text, 0))

-- name: live_calls
SELECT a.id, a.state, (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
                       ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM attempts a WHERE a.campaign_id = %(campaign_id)s AND a.state <> 'ended'
