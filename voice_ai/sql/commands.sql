-- name: ask
INSERT INTO commands (campaign_id, kind, asked_by, reason, parameters, asked_at)
VALUES (%(campaign_id)s, %(kind)s, %(asked_by)s, %(reason)s, %(parameters)s, %(now)s) RETURNING id

-- name: ask_of_call
-- The campaign is the call's, so that the command is found with it.
INSERT INTO commands (attempt_id, campaign_id, kind, asked_by, reason, parameters, asked_at)
SELECT %(attempt_id)s, (SELECT campaign_id FROM attempts WHERE id = %(attempt_id)s), %(kind)s,
       %(asked_by)s, %(reason)s, %(parameters)s, %(now)s
RETURNING id

-- name: open_commands
-- All but the ends of single calls: those are obeyed where the call is.
SELECT id, campaign_id, kind, asked_by, reason, parameters, attempt_id FROM commands
WHERE obeyed_at IS NULL AND kind <> 'end_call' ORDER BY id
FOR UPDATE SKIP LOCKED

-- name: answer
UPDATE commands SET obeyed_at = %(now)s, outcome = %(outcome)s
WHERE id = %(id)s AND obeyed_at IS NULL

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
-- The campaign's calls, and those to colleagues who are asked to take one.
SELECT a.id, a.state, (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
                       ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM attempts a WHERE a.campaign_id = %(campaign_id)s AND a.state <> 'ended'
UNION ALL
SELECT a.id, 'colleague', t.agent_sid
FROM transfers t JOIN attempts a ON a.id = t.attempt_id
WHERE a.campaign_id = %(campaign_id)s AND t.agent_sid IS NOT NULL AND t.leg_ended_at IS NULL
  AND t.kind = 'warm' AND a.state <> 'ended'

-- name: open_ends
-- Calls that somebody wants to end, with the carrier's id where it is known.
SELECT c.id, c.attempt_id, c.asked_at, a.state,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
        ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM commands c LEFT JOIN attempts a ON a.id = c.attempt_id
WHERE c.obeyed_at IS NULL AND c.kind = 'end_call'
ORDER BY c.id

-- name: open_ends_here
-- Those of the conversations that one server holds.
SELECT c.id, c.attempt_id,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = c.attempt_id
        ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM commands c
WHERE c.obeyed_at IS NULL AND c.kind = 'end_call' AND c.attempt_id = ANY(%(attempt_ids)s)
ORDER BY c.id
