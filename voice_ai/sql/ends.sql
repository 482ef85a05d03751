-- Sets of rows come as one JSON document: a list per column is slow to write down in Python.
-- name: lock_attempts
-- What the set of ends needs of each attempt. One that somebody else holds is passed over, so that
-- a set never waits for one call, and sets that meet do not wait for each other.
SELECT id, month, campaign_id, lead_id, number_id, state, disposition, answer_class, outcome,
       end_reason, event_seq, intended_at
FROM attempts WHERE id = ANY(%(attempt_ids)s) ORDER BY id FOR UPDATE SKIP LOCKED

-- name: told_before
-- Read after the lock: which of the events are there already, and who spoke how often.
SELECT t.attempt_id,
       ARRAY(SELECT e.key FROM call_events e
             WHERE e.month = t.month AND e.attempt_id = t.attempt_id
               AND e.key IN ('call_placed', 'answer_classified', 'terminal', t.status_key)) AS keys,
       s.caller, s.agent
FROM jsonb_to_recordset(%(attempts)s::jsonb) AS t(attempt_id uuid, month date, status_key text)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE u.speaker = 'caller') AS caller,
           count(*) FILTER (WHERE u.speaker = 'agent') AS agent
    FROM turns u WHERE u.attempt_id = t.attempt_id) s

-- name: append_events
INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)
SELECT e.month, e.attempt_id, e.seq, e.kind, e.key, e.payload, e.occurred_at
FROM jsonb_to_recordset(%(events)s::jsonb)
     AS e(month date, attempt_id uuid, seq int, kind text, key text, payload jsonb,
          occurred_at timestamptz)

-- name: move_attempts
-- What `set_state`, `set_answer_class` and `end_attempt` do one by one. `ends` false: the attempt had
-- ended before, so only a verdict or an event that was not known is added.
UPDATE attempts a SET
    state = 'ended',
    placed_at = CASE WHEN e.ends THEN coalesce(a.placed_at, e.at) ELSE a.placed_at END,
    rang_at = CASE WHEN e.ends AND (a.state IN ('ringing', 'in_progress')
                                    OR e.status IN ('completed', 'no-answer'))
                   THEN coalesce(a.rang_at, e.at) ELSE a.rang_at END,
    answered_at = CASE WHEN e.ends AND a.state = 'in_progress' THEN coalesce(a.answered_at, e.at)
                  ELSE a.answered_at END,
    heard_at = CASE WHEN e.ends THEN e.at ELSE a.heard_at END,
    ended_at = CASE WHEN e.ends THEN e.at ELSE a.ended_at END,
    carrier_status = CASE WHEN e.ends THEN e.status ELSE a.carrier_status END,
    disposition = CASE WHEN e.ends THEN e.disposition ELSE a.disposition END,
    end_reason = CASE WHEN e.ends THEN coalesce(a.end_reason, e.end_reason) ELSE a.end_reason END,
    ended_by = CASE WHEN e.ends THEN %(ended_by)s ELSE a.ended_by END,
    answer_class = coalesce(a.answer_class, e.answer_class),
    event_seq = a.event_seq + e.written, version = a.version + e.versions
FROM jsonb_to_recordset(%(steps)s::jsonb)
     AS e(attempt_id uuid, ends boolean, at timestamptz, status text, disposition text,
          end_reason text, answer_class text, written int, versions int)
WHERE a.id = e.attempt_id

-- name: standings
-- The query `standing` for many leads at once, found by the number as in `lead_facts`.
SELECT t.campaign_id, t.lead_id, s.attempts, s.same, l.zones || n.zones AS zones, cl.rotate_from,
       cl.callback_at, cl.callback_by, cl.callback_noted_at, cl.priority
FROM jsonb_to_recordset(%(ended)s::jsonb)
     AS t(campaign_id uuid, lead_id bigint, number_id bigint, disposition text)
JOIN campaign_leads cl ON cl.campaign_id = t.campaign_id AND cl.lead_id = t.lead_id
JOIN leads l ON l.id = t.lead_id
JOIN numbers n ON n.id = t.number_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (
               WHERE a.campaign_id = t.campaign_id AND a.lead_id = t.lead_id
                 AND (a.disposition <> 'failed_transient' OR a.rang_at IS NOT NULL)
                 AND (SELECT d.reached_carrier FROM dispositions d WHERE d.code = a.disposition)
           ) AS attempts,
           coalesce(array_agg(a.intended_at ORDER BY a.intended_at) FILTER (
               WHERE a.campaign_id = t.campaign_id AND a.lead_id = t.lead_id
                 AND a.disposition = t.disposition), '{}') AS same
    FROM attempts a WHERE a.number_id = t.number_id) s

-- name: retry_policies
SELECT c.id, v.config -> 'retries' AS policy, v.config -> 'schedule' AS schedule,
       v.config ->> 'policy' AS profile
FROM campaigns c
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.id = ANY(%(campaign_ids)s)

-- name: settle_leads
UPDATE campaign_leads cl SET state = s.state, attempts = s.attempts,
    priority = s.priority, next_allowed_at = s.next_allowed_at, rotate_from = s.rotate_from,
    callback_at = s.callback_at, callback_by = s.callback_by,
    callback_noted_at = s.callback_noted_at, disposition = s.disposition, decision_key = NULL,
    updated_at = s.now
FROM jsonb_to_recordset(%(leads)s::jsonb)
     AS s(campaign_id uuid, lead_id bigint, state text, attempts int, priority float8,
          next_allowed_at timestamptz, rotate_from timestamptz, callback_at timestamptz,
          callback_by text, callback_noted_at timestamptz, disposition text, now timestamptz)
WHERE cl.campaign_id = s.campaign_id AND cl.lead_id = s.lead_id

-- name: tell_outbox
INSERT INTO outbox (topic, person_key, payload, created_at)
SELECT 'call.ended', n.person_key,
       jsonb_build_object('attempt_id', t.attempt_id, 'disposition', t.disposition), t.at
FROM jsonb_to_recordset(%(ended)s::jsonb)
     AS t(attempt_id uuid, number_id bigint, disposition text, at timestamptz)
JOIN numbers n ON n.id = t.number_id
