CREATE VIEW v_leads AS
SELECT l.id AS lead_id, ll.name AS list, s.name AS seller, n.person_key,
       l.run_id AS import_run_id, l.line, l.position, l.country, l.zones, l.states, n.line_type,
       EXISTS (SELECT FROM suppressions x WHERE x.number_id = l.number_id
               AND (x.scope = 'all' OR x.seller_id = ll.seller_id)) AS suppressed,
       ll.rehearsal, l.created_at AS imported_at
FROM leads l
JOIN lead_lists ll ON ll.id = l.list_id
JOIN sellers s ON s.id = ll.seller_id
JOIN numbers n ON n.id = l.number_id;
COMMENT ON VIEW v_leads IS 'One row per lead on a list; no number and no name.';
COMMENT ON COLUMN v_leads.lead_id IS 'the lead';
COMMENT ON COLUMN v_leads.list IS 'name of its list';
COMMENT ON COLUMN v_leads.seller IS 'name of the seller that owns the list';
COMMENT ON COLUMN v_leads.person_key IS 'random pseudonym of the phone number';
COMMENT ON COLUMN v_leads.import_run_id IS 'the import that made it';
COMMENT ON COLUMN v_leads.line IS 'line in the imported file';
COMMENT ON COLUMN v_leads.position IS 'order in the list';
COMMENT ON COLUMN v_leads.country IS 'ISO 3166-1 alpha-2; NULL when unknown';
COMMENT ON COLUMN v_leads.zones IS 'every candidate IANA time zone';
COMMENT ON COLUMN v_leads.states IS 'every candidate US state';
COMMENT ON COLUMN v_leads.line_type IS 'kind of line, as far as the number tells';
COMMENT ON COLUMN v_leads.suppressed IS 'must not be called for this seller';
COMMENT ON COLUMN v_leads.rehearsal IS 'only ever called at the simulator';
COMMENT ON COLUMN v_leads.imported_at IS 'when it was imported';

CREATE VIEW v_attempts AS
SELECT a.id AS attempt_id, a.campaign_id, c.name AS campaign, a.lead_id, n.person_key, a.attempt_no,
       (SELECT k.carrier_sid FROM calls k WHERE k.attempt_id = a.id
        ORDER BY k.created_at LIMIT 1) AS carrier_call_sid,
       a.state,
       (SELECT count(*) FROM call_events e WHERE e.month = a.month AND e.attempt_id = a.id
        AND e.kind = 'call_ended') AS terminal_events,
       a.intended_at, a.sent_at, a.placed_at, a.answered_at, a.ended_at,
       a.carrier_status, a.answer_class, a.end_reason, a.disposition, a.ended_by, a.late,
       coalesce(d.reached_carrier, false) AS reached_carrier,
       coalesce(d.answered, false) AS answered,
       coalesce(d.human_answered, false) AS human_answered,
       coalesce(d.machine, false) AS machine,
       coalesce(d.conversed, false) AS conversed,
       coalesce(d.goal, false) AS goal,
       coalesce(d.dnc, false) AS opted_out,
       CASE WHEN cardinality(l.zones) > 0
            THEN extract(hour FROM a.intended_at AT TIME ZONE l.zones[1])::int END AS local_hour,
       CASE WHEN cardinality(l.zones) > 0
            THEN extract(isodow FROM a.intended_at AT TIME ZONE l.zones[1])::int END AS local_weekday,
       a.rehearsal, a.version
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
JOIN numbers n ON n.id = a.number_id
JOIN leads l ON l.id = a.lead_id
LEFT JOIN dispositions d ON d.code = a.disposition;
COMMENT ON VIEW v_attempts IS 'One row per dial, with what became of it.';
COMMENT ON COLUMN v_attempts.attempt_id IS 'the dial';
COMMENT ON COLUMN v_attempts.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_attempts.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_attempts.lead_id IS 'the lead';
COMMENT ON COLUMN v_attempts.person_key IS 'random pseudonym of the phone number';
COMMENT ON COLUMN v_attempts.attempt_no IS '1, 2, 3 … for campaign, lead and number';
COMMENT ON COLUMN v_attempts.carrier_call_sid IS 'the carrier''s call; NULL when none is known';
COMMENT ON COLUMN v_attempts.state IS 'intended, unknown, placed, ringing, in_progress, ended';
COMMENT ON COLUMN v_attempts.terminal_events IS 'terminal events written: 1 once ended, else 0';
COMMENT ON COLUMN v_attempts.intended_at IS 'when the intent was committed';
COMMENT ON COLUMN v_attempts.sent_at IS 'when the request was handed over';
COMMENT ON COLUMN v_attempts.placed_at IS 'when the carrier accepted it';
COMMENT ON COLUMN v_attempts.answered_at IS 'when it was picked up';
COMMENT ON COLUMN v_attempts.ended_at IS 'when it ended';
COMMENT ON COLUMN v_attempts.carrier_status IS 'the carrier''s last word';
COMMENT ON COLUMN v_attempts.answer_class IS 'human, machine, fax, unknown; NULL: nobody said';
COMMENT ON COLUMN v_attempts.end_reason IS 'who or what ended it';
COMMENT ON COLUMN v_attempts.disposition IS 'business outcome';
COMMENT ON COLUMN v_attempts.ended_by IS 'callback, reconciler or dialer: who brought the end';
COMMENT ON COLUMN v_attempts.late IS 'called after it was given up, and cancelled';
COMMENT ON COLUMN v_attempts.reached_carrier IS 'counts as a dial (flag of the disposition)';
COMMENT ON COLUMN v_attempts.answered IS 'anything picked up (flag)';
COMMENT ON COLUMN v_attempts.human_answered IS 'a person picked up (flag)';
COMMENT ON COLUMN v_attempts.machine IS 'a machine picked up (flag)';
COMMENT ON COLUMN v_attempts.conversed IS 'a conversation took place (flag)';
COMMENT ON COLUMN v_attempts.goal IS 'the goal was reached (flag)';
COMMENT ON COLUMN v_attempts.opted_out IS 'asked not to be called again (flag)';
COMMENT ON COLUMN v_attempts.local_hour IS 'hour of the intent in the first candidate zone; NULL: no zone';
COMMENT ON COLUMN v_attempts.local_weekday IS '1 Monday to 7 Sunday, same zone';
COMMENT ON COLUMN v_attempts.rehearsal IS 'at the simulator';
COMMENT ON COLUMN v_attempts.version IS 'counts changes of the row';

CREATE VIEW v_calls AS
SELECT k.carrier_sid AS carrier_call_sid, k.attempt_id, a.campaign_id, c.name AS campaign,
       k.carrier, k.status, k.answered_by, k.detection_ms, k.duration_s, k.queue_time_ms,
       k.sip_code, k.error_code, k.created_at, k.updated_at, a.rehearsal
FROM calls k JOIN attempts a ON a.id = k.attempt_id JOIN campaigns c ON c.id = a.campaign_id;
COMMENT ON VIEW v_calls IS 'One row per call object at the carrier.';
COMMENT ON COLUMN v_calls.carrier_call_sid IS 'the carrier''s id';
COMMENT ON COLUMN v_calls.attempt_id IS 'our dial';
COMMENT ON COLUMN v_calls.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_calls.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_calls.carrier IS 'which carrier';
COMMENT ON COLUMN v_calls.status IS 'carrier status';
COMMENT ON COLUMN v_calls.answered_by IS 'the carrier''s answering-machine verdict';
COMMENT ON COLUMN v_calls.detection_ms IS 'time to that verdict';
COMMENT ON COLUMN v_calls.duration_s IS 'seconds; NULL while unknown';
COMMENT ON COLUMN v_calls.queue_time_ms IS 'announced time in the carrier''s queue';
COMMENT ON COLUMN v_calls.sip_code IS 'final SIP response';
COMMENT ON COLUMN v_calls.error_code IS 'the carrier''s error';
COMMENT ON COLUMN v_calls.created_at IS 'first heard of';
COMMENT ON COLUMN v_calls.updated_at IS 'last change';
COMMENT ON COLUMN v_calls.rehearsal IS 'at the simulator';

CREATE VIEW v_turns AS
SELECT t.attempt_id, a.campaign_id, c.name AS campaign, n.person_key, t.index AS turn_index,
       t.speaker, t.node, t.text_redacted AS text, t.heard_fraction, t.interrupted,
       t.started_at, t.ended_at,
       i.label AS intent, i.score AS intent_score, i.model_name AS intent_model,
       i.model_version AS intent_version,
       m.label AS emotion, m.score AS emotion_score, m.model_name AS emotion_model,
       m.model_version AS emotion_version,
       t.endpoint_ms, t.stt_tail_ms, t.mind_ms, t.tts_first_byte_ms, t.response_ms, a.rehearsal
FROM turns t
JOIN attempts a ON a.id = t.attempt_id
JOIN campaigns c ON c.id = a.campaign_id
JOIN numbers n ON n.id = a.number_id
LEFT JOIN model_predictions i
    ON i.attempt_id = t.attempt_id AND i.turn_index = t.index AND i.task = 'intent'
LEFT JOIN model_predictions m
    ON m.attempt_id = t.attempt_id AND m.turn_index = t.index AND m.task = 'emotion';
COMMENT ON VIEW v_turns IS 'One row per turn of a call, with what was heard in it.';
COMMENT ON COLUMN v_turns.attempt_id IS 'the dial';
COMMENT ON COLUMN v_turns.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_turns.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_turns.person_key IS 'random pseudonym of the phone number';
COMMENT ON COLUMN v_turns.turn_index IS '0, 1, 2 … in the call';
COMMENT ON COLUMN v_turns.speaker IS 'agent or caller';
COMMENT ON COLUMN v_turns.node IS 'script node';
COMMENT ON COLUMN v_turns.text IS 'what was said, names and numbers hidden';
COMMENT ON COLUMN v_turns.heard_fraction IS 'share of an agent turn that was played out, 0 to 1';
COMMENT ON COLUMN v_turns.interrupted IS 'agent turn: the person spoke over it';
COMMENT ON COLUMN v_turns.started_at IS 'first audio';
COMMENT ON COLUMN v_turns.ended_at IS 'last audio';
COMMENT ON COLUMN v_turns.intent IS 'what the person wanted; NULL: not predicted';
COMMENT ON COLUMN v_turns.intent_score IS 'its probability';
COMMENT ON COLUMN v_turns.intent_model IS 'registered model, or keywords';
COMMENT ON COLUMN v_turns.intent_version IS 'its version';
COMMENT ON COLUMN v_turns.emotion IS 'how it sounded in words; NULL: not predicted';
COMMENT ON COLUMN v_turns.emotion_score IS 'its probability';
COMMENT ON COLUMN v_turns.emotion_model IS 'registered model';
COMMENT ON COLUMN v_turns.emotion_version IS 'its version';
COMMENT ON COLUMN v_turns.endpoint_ms IS 'end of speech to end-of-turn decision; NULL: unmeasured';
COMMENT ON COLUMN v_turns.stt_tail_ms IS 'end-of-turn decision to final transcript';
COMMENT ON COLUMN v_turns.mind_ms IS 'final transcript to what to say';
COMMENT ON COLUMN v_turns.tts_first_byte_ms IS 'text to first synthesised byte; NULL when cached';
COMMENT ON COLUMN v_turns.response_ms IS 'end of the person''s speech to first audio sent';
COMMENT ON COLUMN v_turns.rehearsal IS 'at the simulator';

CREATE VIEW v_events AS
SELECT e.attempt_id, a.campaign_id, c.name AS campaign, a.lead_id, n.person_key, a.attempt_no,
       e.seq, e.kind, e.key, e.payload, e.occurred_at, e.recorded_at, a.rehearsal
FROM call_events e
JOIN attempts a ON a.id = e.attempt_id
JOIN campaigns c ON c.id = a.campaign_id
JOIN numbers n ON n.id = a.number_id;
COMMENT ON VIEW v_events IS 'Everything that happened to a dial, append-only; docs/events.md.';
COMMENT ON COLUMN v_events.attempt_id IS 'the dial';
COMMENT ON COLUMN v_events.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_events.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_events.lead_id IS 'the lead';
COMMENT ON COLUMN v_events.person_key IS 'random pseudonym of the phone number';
COMMENT ON COLUMN v_events.attempt_no IS '1, 2, 3 … for campaign, lead and number';
COMMENT ON COLUMN v_events.seq IS 'order within the dial';
COMMENT ON COLUMN v_events.kind IS 'type of event';
COMMENT ON COLUMN v_events.key IS 'what makes it the same event when told again';
COMMENT ON COLUMN v_events.payload IS 'fields of the type';
COMMENT ON COLUMN v_events.occurred_at IS 'when it happened';
COMMENT ON COLUMN v_events.recorded_at IS 'when it was written (the database''s clock)';
COMMENT ON COLUMN v_events.rehearsal IS 'at the simulator';

CREATE VIEW v_decisions AS
SELECT d.id AS decision_id, d.campaign_id, c.name AS campaign, d.lead_id, n.person_key,
       d.attempt_id, d.stage, d.allow, d.reasons, d.policy_hash, d.next_allowed_at, d.decided_at,
       d.rehearsal
FROM decisions d JOIN campaigns c ON c.id = d.campaign_id JOIN numbers n ON n.id = d.number_id;
COMMENT ON VIEW v_decisions IS 'The ledger: why a lead was, or was not, called.';
COMMENT ON COLUMN v_decisions.decision_id IS 'row id';
COMMENT ON COLUMN v_decisions.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_decisions.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_decisions.lead_id IS 'the lead';
COMMENT ON COLUMN v_decisions.person_key IS 'random pseudonym of the phone number';
COMMENT ON COLUMN v_decisions.attempt_id IS 'the dial it was about; NULL for a refusal';
COMMENT ON COLUMN v_decisions.stage IS 'claim: when chosen; send: in the send gate';
COMMENT ON COLUMN v_decisions.allow IS 'might be called';
COMMENT ON COLUMN v_decisions.reasons IS 'stable reason codes; empty when allowed';
COMMENT ON COLUMN v_decisions.policy_hash IS 'which rules said so';
COMMENT ON COLUMN v_decisions.next_allowed_at IS 'when asking again makes sense; NULL: never or unknown';
COMMENT ON COLUMN v_decisions.decided_at IS 'when';
COMMENT ON COLUMN v_decisions.rehearsal IS 'about the simulator';

CREATE VIEW v_campaign_day AS
SELECT a.campaign_id, c.name AS campaign, (a.intended_at AT TIME ZONE 'UTC')::date AS day,
       count(*) FILTER (WHERE d.reached_carrier) AS dials,
       count(*) FILTER (WHERE d.answered) AS answered,
       count(*) FILTER (WHERE d.human_answered) AS human_answered,
       count(*) FILTER (WHERE d.machine) AS machines,
       count(*) FILTER (WHERE d.conversed) AS conversed,
       count(*) FILTER (WHERE d.goal) AS goals,
       count(*) FILTER (WHERE d.dnc) AS opt_outs,
       count(*) FILTER (WHERE a.state <> 'ended') AS live,
       a.rehearsal
FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id
LEFT JOIN dispositions d ON d.code = a.disposition
GROUP BY a.campaign_id, c.name, day, a.rehearsal;
COMMENT ON VIEW v_campaign_day IS 'Counts per campaign and day (UTC), by flags of dispositions.';
COMMENT ON COLUMN v_campaign_day.campaign_id IS 'the campaign';
COMMENT ON COLUMN v_campaign_day.campaign IS 'name of the campaign';
COMMENT ON COLUMN v_campaign_day.day IS 'day of the intent, UTC';
COMMENT ON COLUMN v_campaign_day.dials IS 'attempts that reached the carrier and ended';
COMMENT ON COLUMN v_campaign_day.answered IS 'dials that anything picked up';
COMMENT ON COLUMN v_campaign_day.human_answered IS 'dials that a person picked up';
COMMENT ON COLUMN v_campaign_day.machines IS 'dials that a machine picked up';
COMMENT ON COLUMN v_campaign_day.conversed IS 'dials with a conversation';
COMMENT ON COLUMN v_campaign_day.goals IS 'dials that reached the goal';
COMMENT ON COLUMN v_campaign_day.opt_outs IS 'dials in which the person opted out';
COMMENT ON COLUMN v_campaign_day.live IS 'attempts that have not ended';
COMMENT ON COLUMN v_campaign_day.rehearsal IS 'at the simulator';
