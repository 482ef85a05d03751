-- One campaign of twenty thousand leads, by arithmetic instead of calls. `big` says for which
-- campaign and at what moment; every draw is a hash, so the same home comes out every time.
CREATE FUNCTION pg_temp.draw(what text) RETURNS float IMMUTABLE LANGUAGE sql AS
    $$ SELECT (hashtextextended(what, 7) & 1048575) / 1048576.0 $$;

CREATE TEMP TABLE outcome (low float, high float, code text, status text, class text, reason text);
INSERT INTO outcome VALUES
    (0.00, 0.14, 'goal', 'completed', 'human', 'agent_hangup'),
    (0.14, 0.24, 'conversed_no_goal', 'completed', 'human', 'caller_hangup'),
    (0.24, 0.28, 'callback_requested', 'completed', 'human', 'agent_hangup'),
    (0.28, 0.33, 'not_interested', 'completed', 'human', 'agent_hangup'),
    (0.33, 0.37, 'opt_out', 'completed', 'human', 'agent_hangup'),
    (0.37, 0.39, 'wrong_number', 'completed', 'human', 'agent_hangup'),
    (0.39, 0.47, 'human_hangup', 'completed', 'human', 'caller_hangup'),
    (0.47, 0.68, 'machine', 'completed', 'machine', 'machine_answered'),
    (0.68, 0.88, 'no_answer', 'no-answer', NULL, 'carrier'),
    (0.88, 0.94, 'busy', 'busy', NULL, 'carrier'),
    (0.94, 0.97, 'failed_permanent', 'failed', NULL, 'carrier'),
    (0.97, 1.10, 'failed_transient', 'failed', NULL, 'carrier');

-- Four of five leads were dialed, three in ten of them twice.
CREATE TEMP TABLE dial AS
WITH lead AS (
    SELECT cl.lead_id, cl.number_id, cl.position, l.zones, b.campaign, b.at
    FROM big b JOIN campaign_leads cl ON cl.campaign_id = b.campaign JOIN leads l ON l.id = cl.lead_id
    WHERE pg_temp.draw('dialed' || cl.position) < 0.8
), slot AS (
    SELECT lead.*, no, 8 + 12.9 * pg_temp.draw('hour' || no || position) AS hour,
           date_trunc('day', at AT TIME ZONE zones[1])
               - make_interval(days => (4 - no * 2) + (2 * pg_temp.draw('day' || position))::int)
               AS day
    FROM lead CROSS JOIN generate_series(1, 2) AS no
    WHERE no = 1 OR pg_temp.draw('again' || position) < 0.3
), drawn AS (
    SELECT *, (day + make_interval(secs => hour * 3600)) AT TIME ZONE zones[1] AS moment,
           pg_temp.draw('outcome' || no || position) * (0.8 + 0.35 * abs(hour - 17) / 9) AS luck
    FROM slot
)
SELECT md5('attempt' || d.no || '-' || d.position)::uuid AS id, d.lead_id, d.number_id, d.position,
       d.no, CASE WHEN d.moment < d.at THEN d.moment ELSE d.moment - interval '7 days' END AS moment,
       5 + 25 * pg_temp.draw('ring' || d.no || d.position) AS rings,
       2 + (6 * pg_temp.draw('talk' || d.no || d.position))::int AS exchanges, o.*,
       f.conversed, f.answered
FROM drawn d JOIN outcome o ON d.luck >= o.low AND d.luck < o.high
JOIN dispositions f ON f.code = o.code;
ANALYZE dial;

SELECT ensure_event_partition(month) FROM
    (SELECT DISTINCT date_trunc('month', moment)::date AS month FROM dial
     UNION SELECT date_trunc('month', at)::date FROM big) m;

INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no, caller_id_number,
    worker_id, state, event_seq, version, slot_at, intended_at, sent_at, placed_at, answered_at,
    ended_at, heard_at, carrier_status, answer_class, outcome, end_reason, disposition, ended_by,
    late, rehearsal)
SELECT d.id, date_trunc('month', moment)::date, b.campaign, lead_id, number_id, no, b.caller_id,
       b.worker, 'ended', 6, 6, moment, moment, moment + interval '20 ms',
       moment + interval '140 ms',
       CASE WHEN answered THEN moment + make_interval(secs => rings) END,
       moment + make_interval(secs => rings + CASE WHEN conversed THEN exchanges * 9 ELSE 4 END),
       moment + make_interval(secs => rings + CASE WHEN conversed THEN exchanges * 9 ELSE 4 END),
       status, class, CASE WHEN conversed THEN code END, reason, code, 'callback', false, true
FROM dial d CROSS JOIN big b;

INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no, caller_id_number,
    worker_id, state, event_seq, version, slot_at, intended_at, sent_at, placed_at, answered_at,
    heard_at, carrier_status, late, rehearsal)
SELECT md5('live' || cl.position)::uuid, date_trunc('month', b.at)::date, b.campaign, cl.lead_id,
       cl.number_id, 1, b.caller_id, b.worker,
       CASE WHEN place % 3 = 0 THEN 'ringing' ELSE 'in_progress' END, 4, 4, begun, begun, begun,
       begun, CASE WHEN place % 3 > 0 THEN begun + interval '6 seconds' END, begun,
       CASE WHEN place % 3 = 0 THEN 'ringing' ELSE 'in-progress' END, false, true
FROM big b
CROSS JOIN LATERAL (
    SELECT cl.*, row_number() OVER (ORDER BY position) AS place FROM campaign_leads cl
    WHERE campaign_id = b.campaign AND lead_id NOT IN (SELECT lead_id FROM dial)
    ORDER BY position LIMIT 6) cl
CROSS JOIN LATERAL (SELECT b.at - make_interval(secs => 9 * place) AS begun) t;

INSERT INTO calls (carrier_sid, attempt_id, carrier, status, answered_by, duration_s,
    queue_time_ms, created_at, updated_at)
SELECT 'CA' || md5(id::text), id, 'twilio', carrier_status, answer_class,
       extract(epoch FROM ended_at - answered_at), 40, placed_at, coalesce(ended_at, placed_at)
FROM attempts WHERE campaign_id = (SELECT campaign FROM big);

INSERT INTO turns (attempt_id, index, speaker, node, text_redacted, heard_fraction, started_at,
    ended_at, endpoint_ms, stt_tail_ms, mind_ms, tts_first_byte_ms, response_ms)
SELECT t.id, i, CASE WHEN i % 2 = 1 THEN 'caller' ELSE 'agent' END,
       CASE WHEN i % 2 = 0 THEN (ARRAY['greet', 'ask_score', 'ask_reason', 'close'])[1 + i / 2 % 4] END,
       CASE WHEN i % 2 = 0
            THEN (ARRAY['Hello, this is a short survey for Sunrise Health Group.',
                        'From one to ten, how satisfied were you?', 'What was the reason?',
                        'Thank you, goodbye.'])[1 + i / 2 % 4]
            ELSE (ARRAY['yes, go ahead', 'I would say an eight', 'the waiting time was too long',
                        'no, thank you', 'who is this?'])[1 + (5 * pg_temp.draw('says' || i || t.id))::int % 5]
       END,
       CASE WHEN i % 2 = 0 THEN 1.0 END, begun, begun + interval '2800 ms',
       CASE WHEN i % 2 = 1 THEN 180 + 90 * u END, CASE WHEN i % 2 = 1 THEN 60 + 80 * u END,
       CASE WHEN i % 2 = 1 THEN 3 + 9 * u END, CASE WHEN i % 2 = 1 THEN 40 + 120 * u END,
       CASE WHEN i % 2 = 0 AND i > 0 AND u < 0.93 THEN 320 + 900 * power(u, 3) + 180 * u END
FROM (SELECT id, moment + make_interval(secs => rings) AS answered, exchanges FROM dial
      WHERE conversed
      UNION ALL SELECT id, answered_at, 1 FROM attempts
      WHERE state = 'in_progress' AND campaign_id = (SELECT campaign FROM big)) t
CROSS JOIN LATERAL generate_series(0, 2 * exchanges) AS i
CROSS JOIN LATERAL (SELECT t.answered + make_interval(secs => 3.5 * i) AS begun,
                           pg_temp.draw('pace' || i || t.id) AS u) x;

INSERT INTO model_predictions (attempt_id, turn_index, task, model_name, model_version, label,
    score, latency_us, predicted_at)
SELECT t.attempt_id, t.index, task, 'voice-ai-' || task,
       CASE WHEN pg_temp.draw(t.attempt_id::text) < 0.7 THEN '1' ELSE '2' END,
       CASE WHEN task = 'intent'
            THEN (ARRAY['affirm', 'answer', 'deny', 'who_is_this', 'opt_out'])[1 + (4 * u)::int]
            WHEN u + 0.02 * t.index > 0.97 THEN 'joy' WHEN u > 0.92 THEN 'anger'
            WHEN u > 0.86 THEN 'surprise' WHEN u > 0.82 THEN 'sadness' WHEN u > 0.80 THEN 'fear'
            ELSE 'neutral' END,
       0.6 + 0.4 * u, 140 + 260 * u, t.ended_at
FROM turns t CROSS JOIN unnest(ARRAY['intent', 'emotion']) AS task
CROSS JOIN LATERAL (SELECT pg_temp.draw(task || t.index || t.attempt_id) AS u) x
WHERE t.speaker = 'caller' AND u < 0.985;

INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)
SELECT a.month, a.id, e.seq, e.kind, e.key, e.payload, e.at
FROM attempts a CROSS JOIN LATERAL (VALUES
    (1, 'dial_intended', 'dial_intended',
     jsonb_build_object('attempt_no', a.attempt_no, 'caller_id', a.caller_id_number),
     a.intended_at),
    (2, 'call_placed', 'call_placed',
     jsonb_build_object('carrier_call_sid', 'CA' || md5(a.id::text)), a.placed_at),
    (3, 'carrier_status', 'status:1',
     jsonb_build_object('carrier_call_sid', 'CA' || md5(a.id::text), 'status', 'ringing',
                        'sequence', 1), a.placed_at + interval '1 second'),
    (4, 'answer_classified', 'answer_classified',
     jsonb_build_object('answered_by', a.answer_class, 'detection_ms', NULL), a.answered_at),
    (5, 'outcome_reached', 'outcome_reached',
     jsonb_build_object('disposition', a.outcome, 'end_reason', a.end_reason),
     CASE WHEN a.outcome IS NOT NULL THEN a.ended_at END),
    (6, 'call_ended', 'terminal',
     jsonb_build_object('carrier_status', a.carrier_status, 'answer_class', a.answer_class,
                        'disposition', a.disposition, 'end_reason', a.end_reason,
                        'ended_by', a.ended_by), a.ended_at)) AS e (seq, kind, key, payload, at)
WHERE e.at IS NOT NULL AND a.campaign_id = (SELECT campaign FROM big);

-- The ledger: a permission for every dial, opt-outs afterwards, and refusals among the rest.
INSERT INTO decisions (campaign_id, lead_id, number_id, attempt_id, stage, allow, reasons,
    policy_hash, decided_at, rehearsal)
SELECT campaign_id, lead_id, number_id, id, 'claim', true, '{}', repeat('0', 64), intended_at, true
FROM attempts WHERE campaign_id = (SELECT campaign FROM big) ORDER BY intended_at;
INSERT INTO decisions (campaign_id, lead_id, number_id, stage, allow, reasons, policy_hash,
    next_allowed_at, decided_at, rehearsal)
SELECT b.campaign, cl.lead_id, cl.number_id, 'claim', false, r.reasons, repeat('0', 64),
       CASE WHEN r.reasons[1] = 'HOURS_CLOSED' THEN b.at + interval '11 hours' END, b.at, true
FROM big b JOIN campaign_leads cl ON cl.campaign_id = b.campaign
LEFT JOIN (SELECT DISTINCT ON (lead_id) * FROM dial ORDER BY lead_id, no DESC) d USING (lead_id)
CROSS JOIN LATERAL (SELECT pg_temp.draw('refused' || cl.position) AS u) x
CROSS JOIN LATERAL (SELECT CASE WHEN d.code IN ('opt_out', 'wrong_number') THEN ARRAY['DNC_INTERNAL']
    WHEN d.code IS NOT NULL THEN NULL
    WHEN u < 0.4 THEN ARRAY['HOURS_CLOSED'] WHEN u < 0.5 THEN ARRAY['DNC_INTERNAL']
    WHEN u < 0.6 THEN ARRAY['FREQ_GAP', 'HOURS_CLOSED'] END AS reasons) r
WHERE r.reasons IS NOT NULL
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.lead_id = cl.lead_id AND a.state <> 'ended');

INSERT INTO suppressions (number_id, scope, seller_id, source, reason, attempt_id, created_at)
SELECT d.number_id, 'seller', c.seller_id, 'call', d.code, d.id, d.moment
FROM dial d JOIN big b ON true JOIN campaigns c ON c.id = b.campaign
WHERE d.code IN ('opt_out', 'wrong_number');

UPDATE campaign_leads cl SET state = CASE WHEN f.terminal OR d.no > 1 THEN 'done' ELSE 'ready' END,
    attempts = d.no, disposition = d.code, updated_at = d.moment,
    next_allowed_at = CASE WHEN NOT f.terminal THEN d.moment + interval '4 hours' END
FROM (SELECT DISTINCT ON (lead_id) * FROM dial ORDER BY lead_id, no DESC) d
JOIN dispositions f ON f.code = d.code
WHERE cl.lead_id = d.lead_id AND cl.campaign_id = (SELECT campaign FROM big);
UPDATE campaign_leads cl SET state = 'calling' FROM attempts a
WHERE a.lead_id = cl.lead_id AND a.campaign_id = cl.campaign_id AND a.state <> 'ended';

INSERT INTO commands (campaign_id, kind, asked_by, reason, asked_at, obeyed_at, outcome)
SELECT b.campaign, (ARRAY['pause', 'resume'])[1 + i % 2], 'operator', 'lunch',
       b.at - make_interval(hours => 60 - i), b.at - make_interval(hours => 60 - i, secs => -1),
       'in force'
FROM big b, generate_series(0, 59) AS i;
INSERT INTO flow_requests (flow, parameters, state, asked_by, progress, message, result, asked_at,
    started_at, finished_at)
SELECT (ARRAY['train-models', 'build-report', 'score-leads', 'daily-summary'])[1 + i % 4], '{}',
       (ARRAY['done', 'done', 'done', 'failed', 'cancelled'])[1 + i % 5], 'operator', 1.0,
       'finished', '{}', asked, asked + interval '1 second', asked + interval '9 seconds'
FROM big b, generate_series(0, 39) AS i,
     LATERAL (SELECT b.at - make_interval(hours => 40 - i) AS asked) t;

DROP TABLE dial, outcome, big;
ANALYZE;
