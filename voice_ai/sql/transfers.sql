-- name: facts
-- What handing a call over goes by. `rules` NULL: its campaign names nobody.
SELECT a.id, a.state, a.number_id, a.campaign_id, c.seller_id, c.state AS campaign_state,
       c.rehearsal, (v.config -> 'pacing' ->> 'calls_per_second')::float AS calls_per_second,
       v.config -> 'transfer' AS rules, v.script, v.script_name, v.config -> 'slots' AS slots,
       s.legal_name, l.person_sealed, i.number_sealed AS caller_id_sealed,
       (SELECT n.number_sealed FROM numbers n WHERE n.id = s.callback_number_id)
           AS callback_sealed,
       ARRAY(SELECT n.number_sealed FROM unnest(v.transfer_to) WITH ORDINALITY AS u(id, place)
             JOIN numbers n ON n.id = u.id ORDER BY u.place) AS colleagues_sealed,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
        ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN leads l ON l.id = a.lead_id
JOIN sellers s ON s.id = c.seller_id
JOIN numbers i ON i.id = a.caller_id_number
WHERE a.id = %(attempt_id)s

-- name: begin
-- Nothing is written while another one of the call is open.
INSERT INTO transfers (attempt_id, nth, kind, asked_by, command_id, status, position,
    state_sealed, summary_sealed, started_at, asked_at)
SELECT %(attempt_id)s, 1 + (SELECT count(*) FROM transfers WHERE attempt_id = %(attempt_id)s),
       %(kind)s, %(asked_by)s, %(command_id)s, 'open', 0, %(state_sealed)s, %(summary_sealed)s,
       %(now)s, %(now)s
WHERE NOT EXISTS (SELECT FROM transfers WHERE attempt_id = %(attempt_id)s AND status = 'open')
RETURNING *

-- name: refuse
-- A hand-over that was asked for by a command and never began; it stands for the answer only.
INSERT INTO transfers (attempt_id, nth, kind, asked_by, command_id, status, position, reason,
    started_at, asked_at, ended_at, resumed_at)
SELECT %(attempt_id)s, 1 + (SELECT count(*) FROM transfers WHERE attempt_id = %(attempt_id)s),
       %(kind)s, %(asked_by)s, %(command_id)s, 'failed', 0, %(reason)s, %(now)s, %(now)s, %(now)s,
       %(now)s
WHERE EXISTS (SELECT FROM attempts WHERE id = %(attempt_id)s)

-- name: lock_last
-- The call's newest hand-over.
SELECT * FROM transfers WHERE attempt_id = %(attempt_id)s ORDER BY nth DESC LIMIT 1 FOR UPDATE

-- name: last
SELECT * FROM transfers WHERE attempt_id = %(attempt_id)s ORDER BY nth DESC LIMIT 1

-- name: answer
UPDATE transfers SET status = 'answered', answered_at = %(now)s
WHERE id = %(id)s AND status = 'open' RETURNING id

-- name: fail
UPDATE transfers SET status = 'failed', reason = %(reason)s, ended_at = %(now)s,
    resumed_at = CASE WHEN %(stayed)s THEN %(now)s ELSE resumed_at END
WHERE id = %(id)s AND status = 'open' RETURNING id

-- name: ask_next
UPDATE transfers SET position = position + 1, agent_sid = NULL, asked_at = %(now)s
WHERE id = %(id)s AND status = 'open' RETURNING position

-- name: rings
-- The colleague's call; nothing when it is not wanted any more.
UPDATE transfers SET agent_sid = %(sid)s, leg_ended_at = NULL
WHERE id = %(id)s AND position = %(position)s AND status <> 'failed' RETURNING id

-- name: leg_ended
UPDATE transfers SET leg_ended_at = %(now)s WHERE id = %(id)s AND leg_ended_at IS NULL

-- name: is_open
SELECT id FROM transfers WHERE attempt_id = %(attempt_id)s AND status = 'open'

-- name: person_gone
-- The person's call is over: nobody needs to take it any more.
UPDATE transfers SET status = 'failed', reason = 'person_hung_up', ended_at = %(now)s
WHERE attempt_id = %(attempt_id)s AND status = 'open' RETURNING nth, kind, agent_sid

-- name: keep
-- Where the conversation of a call stood that an operator took over.
UPDATE transfers SET state_sealed = %(state_sealed)s, summary_sealed = %(summary_sealed)s
WHERE attempt_id = %(attempt_id)s AND state_sealed IS NULL AND resumed_at IS NULL RETURNING id

-- name: resume
-- Where the conversation goes on; each hand-over is come back from once.
UPDATE transfers t SET resumed_at = %(now)s
WHERE t.id = %(id)s AND t.attempt_id = %(attempt_id)s AND t.status = 'failed'
  AND t.resumed_at IS NULL AND t.state_sealed IS NOT NULL
RETURNING t.state_sealed, t.reason,
    (SELECT coalesce(max(u.index) + 1, 0) FROM turns u WHERE u.attempt_id = t.attempt_id) AS turns

-- name: of_command
SELECT status, reason FROM transfers WHERE command_id = %(command_id)s

-- name: left_behind
-- Calls to colleagues whose person is gone, and hand-overs that nobody has told the end of.
SELECT t.id, t.attempt_id, t.nth, t.kind, t.status, t.agent_sid, a.state = 'ended' AS gone,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
        ORDER BY k.created_at LIMIT 1) AS carrier_sid
FROM transfers t JOIN attempts a ON a.id = t.attempt_id
WHERE a.rehearsal = %(rehearsal)s AND t.started_at > %(since)s
  AND (a.state = 'ended' AND (t.status = 'open' OR (t.kind = 'warm' AND t.agent_sid IS NOT NULL
                                                    AND t.leg_ended_at IS NULL))
       OR a.state <> 'ended' AND t.status = 'open' AND t.asked_at < %(silent_since)s)
LIMIT 100
