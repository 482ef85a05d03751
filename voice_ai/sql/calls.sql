-- name: newest
-- Ended calls, the newest first; a filter that is NULL lets everything through.
SELECT a.attempt_id, a.ended_at, a.campaign, a.lead_id, a.attempt_no, a.disposition, a.end_reason,
       a.carrier_status, extract(epoch FROM a.ended_at - a.answered_at)::float AS seconds,
       EXISTS (SELECT FROM recordings r WHERE r.attempt_id = a.attempt_id
               AND r.status = 'completed' AND r.path IS NOT NULL AND r.purged_at IS NULL)
           AS recorded
FROM v_attempts a
WHERE a.state = 'ended'
  AND (%(campaign_id)s::uuid IS NULL OR a.campaign_id = %(campaign_id)s)
  AND (%(disposition)s::text IS NULL OR a.disposition = %(disposition)s)
  AND (%(since)s::date IS NULL OR a.ended_at >= %(since)s::date)
  AND (%(until)s::date IS NULL OR a.ended_at < %(until)s::date + 1)
  AND (%(min_seconds)s::float IS NULL
       OR a.ended_at - a.answered_at >= %(min_seconds)s * interval '1 second')
  AND (%(emotion)s::text IS NULL OR EXISTS (
       SELECT FROM model_predictions p WHERE p.attempt_id = a.attempt_id AND p.task = 'emotion'
         AND p.label = %(emotion)s))
  AND (NOT %(recorded)s OR EXISTS (
       SELECT FROM recordings r WHERE r.attempt_id = a.attempt_id AND r.status = 'completed'
         AND r.path IS NOT NULL AND r.purged_at IS NULL))
ORDER BY a.ended_at DESC, a.attempt_id DESC LIMIT %(limit)s

-- name: live
-- Dials that have not ended, those in conversation first, each with its last words and what was
-- last heard of the caller.
SELECT a.attempt_id, a.campaign, a.lead_id, a.attempt_no, a.state, a.answered_at,
       coalesce(a.answered_at, a.intended_at) AS since, t.speaker, t.text, c.emotion, c.intent
FROM v_attempts a
LEFT JOIN LATERAL (
    SELECT speaker, text FROM v_turns v WHERE v.attempt_id = a.attempt_id
    ORDER BY turn_index DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (
    SELECT emotion, intent FROM v_turns v WHERE v.attempt_id = a.attempt_id
      AND speaker = 'caller' ORDER BY turn_index DESC LIMIT 1) c ON true
WHERE a.state <> 'ended' AND (%(campaign_id)s::uuid IS NULL OR a.campaign_id = %(campaign_id)s)
ORDER BY a.state = 'in_progress' DESC, since, a.attempt_id LIMIT %(limit)s

-- name: one
SELECT a.attempt_id, a.campaign, a.lead_id, a.person_key, a.attempt_no, a.carrier_call_sid,
       a.state, a.intended_at, a.answered_at, a.ended_at, a.carrier_status, a.answer_class,
       a.end_reason, a.disposition, a.ended_by, a.rehearsal,
       extract(epoch FROM a.ended_at - a.answered_at)::float AS seconds, l.zones
FROM v_attempts a JOIN leads l ON l.id = a.lead_id WHERE a.attempt_id = %(attempt_id)s

-- name: turns
SELECT turn_index, speaker, node, text, heard_fraction, interrupted, started_at, ended_at, intent,
       intent_score, intent_model, intent_version, emotion, emotion_score, emotion_model,
       emotion_version, endpoint_ms, stt_tail_ms, mind_ms, tts_first_byte_ms, response_ms
FROM v_turns WHERE attempt_id = %(attempt_id)s ORDER BY turn_index

-- name: events
SELECT e.seq, e.kind, e.payload, e.occurred_at FROM call_events e
WHERE e.attempt_id = %(attempt_id)s
  AND e.month = (SELECT month FROM attempts WHERE id = %(attempt_id)s)
ORDER BY e.seq

-- name: decisions
SELECT stage, allow, reasons, policy_hash, decided_at FROM v_decisions
WHERE lead_id = %(lead_id)s AND attempt_id = %(attempt_id)s ORDER BY decision_id
