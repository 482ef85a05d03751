-- name: lock_attempt
SELECT a.*, c.seller_id, c.name AS campaign_name FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
WHERE a.id = %(attempt_id)s FOR UPDATE OF a

-- name: append_event
-- Appends the event with the next number, unless one with its key is there. The row is locked first
-- and the number is taken last, so that the same event told twice at once leaves no gap.
WITH place AS (
    SELECT id, month, event_seq + 1 AS seq FROM attempts WHERE id = %(attempt_id)s FOR UPDATE),
written AS (
    INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)
    SELECT month, id, seq, %(kind)s, %(key)s, %(payload)s, %(occurred_at)s FROM place
    ON CONFLICT (month, attempt_id, key) DO NOTHING RETURNING seq)
UPDATE attempts a SET event_seq = written.seq, version = version + 1
FROM written WHERE a.id = %(attempt_id)s

-- name: set_state
UPDATE attempts SET state = %(state)s, placed_at = coalesce(placed_at, %(placed_at)s),
    answered_at = coalesce(answered_at, %(answered_at)s), rang_at = coalesce(rang_at, %(rang_at)s),
    sent_at = coalesce(sent_at, %(sent_at)s), heard_at = %(now)s,
    carrier_status = coalesce(%(carrier_status)s, carrier_status), version = version + 1
WHERE id = %(attempt_id)s AND state <> 'ended'

-- name: set_answer_class
UPDATE attempts SET answer_class = coalesce(answer_class, %(answer_class)s), version = version + 1
WHERE id = %(attempt_id)s

-- name: set_own_answer
-- Our own verdict; a later one revises it.
UPDATE attempts SET own_answer_class = %(label)s, own_answer_confidence = %(confidence)s,
    own_answer_at_ms = %(at_ms)s, version = version + 1
WHERE id = %(attempt_id)s

-- name: answering_policy
-- What the campaign wants done about machines; NULL in versions that were stored before it was known.
SELECT v.config -> 'answering' AS answering
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE a.id = %(attempt_id)s

-- name: set_outcome
UPDATE attempts SET outcome = coalesce(%(outcome)s, outcome),
    end_reason = coalesce(end_reason, %(end_reason)s), version = version + 1
WHERE id = %(attempt_id)s

-- name: upsert_calls
INSERT INTO calls AS k (carrier_sid, attempt_id, carrier, status, last_sequence, answered_by,
    detection_ms, duration_s, queue_time_ms, sip_code, error_code, created_at, updated_at)
SELECT n.sid, n.attempt_id, 'twilio', n.status, n.sequence, n.answered_by, n.detection_ms,
       n.duration_s, n.queue_time_ms, n.sip_code, n.error_code, n.at, n.at
FROM jsonb_to_recordset(%(calls)s::jsonb)
     AS n(sid text, attempt_id uuid, status text, sequence int, answered_by text,
          detection_ms float, duration_s float, queue_time_ms float, sip_code int, error_code int,
          at timestamptz)
ON CONFLICT (carrier_sid) DO UPDATE SET
    -- Never back; a status without a sequence (an answer, a question of ours) counts like any other.
    status = CASE
        WHEN k.status IN ('completed','busy','failed','no-answer','canceled')
          OR coalesce(array_position(ARRAY['queued','initiated','ringing','in-progress'],
                                     excluded.status), 9)
           < coalesce(array_position(ARRAY['queued','initiated','ringing','in-progress'],
                                     k.status), 9)
        THEN k.status ELSE excluded.status END,
    last_sequence = greatest(k.last_sequence, excluded.last_sequence),
    answered_by = coalesce(k.answered_by, excluded.answered_by),
    detection_ms = coalesce(k.detection_ms, excluded.detection_ms),
    duration_s = coalesce(excluded.duration_s, k.duration_s),
    queue_time_ms = coalesce(k.queue_time_ms, excluded.queue_time_ms),
    sip_code = coalesce(excluded.sip_code, k.sip_code),
    error_code = coalesce(excluded.error_code, k.error_code),
    updated_at = excluded.updated_at

-- name: end_attempt
UPDATE attempts SET state = 'ended', ended_at = %(now)s, carrier_status = %(carrier_status)s,
    disposition = %(disposition)s, end_reason = coalesce(end_reason, %(end_reason)s),
    ended_by = %(ended_by)s, version = version + 1,
    -- What was answered, or was not for as long as we asked, rang, also when nobody said so.
    rang_at = coalesce(rang_at, CASE WHEN %(carrier_status)s IN ('completed', 'no-answer')
                                     THEN %(now)s::timestamptz END)
WHERE id = %(attempt_id)s AND state <> 'ended'

-- name: rang_late
-- News of the ringing of a call that has ended: a failure that rang was an attempt at the person.
WITH told AS (
    UPDATE attempts SET rang_at = %(now)s, version = version + 1
    WHERE id = %(attempt_id)s AND rang_at IS NULL
    RETURNING campaign_id, lead_id, disposition)
UPDATE campaign_leads cl SET attempts = cl.attempts + 1, updated_at = %(now)s
FROM told
WHERE cl.campaign_id = told.campaign_id AND cl.lead_id = told.lead_id
  AND told.disposition = 'failed_transient'

-- name: spoken_turns
SELECT count(*) FILTER (WHERE speaker = 'caller') AS caller,
       count(*) FILTER (WHERE speaker = 'agent') AS agent
FROM turns WHERE attempt_id = %(attempt_id)s

-- name: standing
-- What the retry rule needs: dials of the lead that count in this campaign, when those that ended
-- like this one were dialed, the rules, and what was agreed. A carrier's failure is a dial that
-- counts only when it rang.
SELECT past.attempts, past.same, v.config -> 'retries' AS policy, v.config -> 'schedule' AS schedule,
       v.config ->> 'policy' AS profile, l.zones || n.zones AS zones, cl.rotate_from, cl.callback_at, cl.callback_by,
       cl.callback_noted_at, cl.priority
FROM campaign_leads cl
JOIN campaigns c ON c.id = cl.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN leads l ON l.id = cl.lead_id
JOIN numbers n ON n.id = cl.number_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.reached_carrier
               AND (a.disposition <> 'failed_transient' OR a.rang_at IS NOT NULL)) AS attempts,
           coalesce(array_agg(a.intended_at ORDER BY a.intended_at)
               FILTER (WHERE a.disposition = %(disposition)s), '{}') AS same
    FROM attempts a JOIN dispositions d ON d.code = a.disposition
    WHERE a.campaign_id = cl.campaign_id AND a.lead_id = cl.lead_id) AS past
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = %(lead_id)s

-- name: settle_lead
UPDATE campaign_leads SET state = %(state)s, attempts = %(attempts)s, priority = %(priority)s,
    next_allowed_at = %(next_allowed_at)s, rotate_from = %(rotate_from)s,
    callback_at = %(callback_at)s, callback_by = %(callback_by)s,
    callback_noted_at = %(callback_noted_at)s, disposition = %(disposition)s, decision_key = NULL,
    updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND lead_id = %(lead_id)s

-- name: tell_outbox
INSERT INTO outbox (topic, person_key, payload, created_at)
SELECT %(topic)s, n.person_key, %(payload)s, %(now)s FROM numbers n WHERE n.id = %(number_id)s

-- name: mark_late
UPDATE attempts SET late = true, version = version + 1 WHERE id = %(attempt_id)s

-- name: insert_turn
INSERT INTO turns (attempt_id, index, speaker, node, prompt_key, text_sealed, text_redacted,
    heard_fraction, interrupted, started_at, ended_at, endpoint_ms, stt_tail_ms, mind_ms,
    tts_first_byte_ms, response_ms)
VALUES (%(attempt_id)s, %(index)s, %(speaker)s, %(node)s, %(prompt_key)s, %(text_sealed)s,
    %(text_redacted)s, %(heard_fraction)s, %(interrupted)s, %(started_at)s, %(ended_at)s,
    %(endpoint_ms)s, %(stt_tail_ms)s, %(mind_ms)s, %(tts_first_byte_ms)s, %(response_ms)s)
ON CONFLICT (attempt_id, index) DO NOTHING

-- name: set_first_audio
-- How long a person waited for our first word; told once.
UPDATE attempts SET first_audio_ms = greatest(0, extract(epoch FROM %(at)s - answered_at) * 1000),
    version = version + 1
WHERE id = %(attempt_id)s AND first_audio_ms IS NULL AND answered_at IS NOT NULL

-- name: insert_prediction
INSERT INTO model_predictions (attempt_id, turn_index, task, model_name, model_version, label,
    score, scores, latency_us, slot, predicted_at)
VALUES (%(attempt_id)s, %(turn_index)s, %(task)s, %(model_name)s, %(model_version)s, %(label)s,
    %(score)s, %(scores)s, %(latency_us)s, %(slot)s, %(predicted_at)s)
ON CONFLICT (attempt_id, turn_index, task) DO NOTHING

-- name: call_setup
-- What the server needs to hold the conversation of an attempt.
SELECT a.id, a.state, a.campaign_id, a.lead_id, a.number_id, a.month, a.answer_class, v.script,
       v.script_name, v.config, l.person_sealed, s.legal_name,
       (SELECT n.number_sealed FROM numbers n WHERE n.id = s.callback_number_id)
           AS callback_sealed
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN leads l ON l.id = a.lead_id
JOIN sellers s ON s.id = c.seller_id
WHERE a.id = %(attempt_id)s

-- name: answer_setup
-- What the carrier must be told when the call of an attempt is answered.
SELECT coalesce(v.config ->> 'transport', 'media_streams') AS transport, v.script, v.script_name,
       v.config -> 'voice' ->> 'voice_id' AS voice_id
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE a.id = %(attempt_id)s

-- name: open_attempts
-- Live attempts that have been silent for a while, with what is needed to ask the carrier.
SELECT a.id, a.state, a.campaign_id, a.lead_id, a.number_id, a.worker_id, a.intended_at, a.sent_at,
       a.heard_at, a.rehearsal, n.number_sealed, i.number_sealed AS caller_id_sealed,
       (SELECT min(e.recorded_at) FROM call_events e
        WHERE e.month = a.month AND e.attempt_id = a.id) AS intended_real,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
        ORDER BY k.created_at LIMIT 1) AS carrier_sid,
       (SELECT max(e.recorded_at) > now() - %(last_words)s * interval '1 second'
               AND bool_or(e.kind = 'media_started') AND NOT bool_or(e.key = 'media_stopped')
        FROM call_events e WHERE e.month = a.month AND e.attempt_id = a.id) AS talking,
       w.stopped_at IS NOT NULL OR (
           w.seen_at < now() - %(dead_after)s * interval '1 second'
           AND NOT EXISTS (SELECT FROM pg_locks g WHERE g.locktype = 'advisory' AND g.granted
               AND ((g.classid::bigint << 32) | g.objid::bigint) = w.lock_key)) AS worker_dead
FROM attempts a
JOIN numbers n ON n.id = a.number_id
JOIN numbers i ON i.id = a.caller_id_number
JOIN workers w ON w.id = a.worker_id
WHERE a.state <> 'ended' AND a.rehearsal = %(rehearsal)s
  AND coalesce(a.heard_at, a.intended_at) < %(quiet_since)s
  AND coalesce(a.checked_at, a.intended_at) < %(quiet_since)s
ORDER BY a.intended_at
LIMIT 200

-- name: given_up_attempts
-- Attempts that ended as never placed a while ago and were not looked for since; `next_real` is
-- when the number was dialed again.
SELECT a.id, a.number_id, n.number_sealed, i.number_sealed AS caller_id_sealed,
       (SELECT min(e.recorded_at) FROM call_events e
        WHERE e.month = a.month AND e.attempt_id = a.id) AS intended_real,
       (SELECT min(e.recorded_at) FROM attempts x
        JOIN call_events e ON e.month = x.month AND e.attempt_id = x.id
        WHERE x.number_id = a.number_id AND x.intended_at > a.intended_at
          AND x.end_reason IS DISTINCT FROM 'never_placed') AS next_real
FROM attempts a
JOIN numbers n ON n.id = a.number_id
JOIN numbers i ON i.id = a.caller_id_number
WHERE a.state = 'ended' AND a.ended_at > %(ended_after)s AND a.ended_at < %(ended_before)s
  AND a.end_reason = 'never_placed' AND NOT a.late AND a.rehearsal = %(rehearsal)s
  AND (a.checked_at IS NULL OR a.checked_at <= a.ended_at)
ORDER BY a.ended_at
LIMIT 50

-- name: given_up_before
-- The attempt at the number that was given up last before this one and has no call yet.
SELECT a.id FROM attempts a, attempts this
WHERE this.id = %(attempt_id)s AND a.number_id = %(number_id)s AND a.id <> this.id
  AND a.intended_at < this.intended_at AND a.state = 'ended' AND a.disposition = 'not_dialed'
  AND NOT a.late
ORDER BY a.intended_at DESC LIMIT 1

-- name: mark_checked
UPDATE attempts SET checked_at = %(now)s WHERE id = ANY(%(attempt_ids)s)

-- name: known_sids
SELECT carrier_sid FROM calls WHERE carrier_sid = ANY(%(sids)s)
