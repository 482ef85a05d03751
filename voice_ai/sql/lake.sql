-- Rows that transactions from `since` (included) up to `until` (not included) wrote. What is read of
-- a row is read whole by its key, so a row that was found twice is the same row.

-- name: source
-- Which database this is, and the oldest transaction that may still be running: all before it are over.
SELECT s.id || '/' || current_database() AS source,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS bound
FROM lake_source s

-- name: restamp
-- Before everything is read: rows of a restored dump get stamps that this server has reached.
SELECT lake_restamp()

-- name: witness
-- The newest attempt of the lake; a database that does not know it was restored from before it.
SELECT settled_xid FROM attempts WHERE id = %(id)s

-- name: changed_attempts
-- Ended attempts of which any part was written, and those after them of the same lead, whose figures
-- say what was before. `known`: an earlier commit has it.
WITH written AS (
    SELECT id FROM attempts
    WHERE changed_xid >= %(since)s AND changed_xid < %(until)s AND state = 'ended'
    UNION SELECT attempt_id FROM turns WHERE changed_xid >= %(since)s AND changed_xid < %(until)s
    UNION SELECT attempt_id FROM calls WHERE changed_xid >= %(since)s AND changed_xid < %(until)s
    UNION SELECT attempt_id FROM model_predictions
    WHERE changed_xid >= %(since)s AND changed_xid < %(until)s
    UNION SELECT attempt_id FROM qa_scores
    WHERE changed_xid >= %(since)s AND changed_xid < %(until)s),
found AS (
    SELECT a.id, a.campaign_id, a.lead_id, a.intended_at FROM written w JOIN attempts a USING (id)
    WHERE a.state = 'ended' AND a.settled_xid < %(until)s),
with_later AS (
    SELECT id FROM found
    UNION
    SELECT b.id FROM found f
    JOIN attempts b ON b.lead_id = f.lead_id AND b.campaign_id = f.campaign_id
        AND (b.intended_at, b.id) > (f.intended_at, f.id)
    WHERE %(since)s > 0 AND b.state = 'ended' AND b.settled_xid < %(until)s)
SELECT to_char(a.intended_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, a.campaign_id AS campaign,
       a.id AS key, a.settled_xid, a.settled_xid < %(since)s AS known
FROM with_later JOIN attempts a USING (id)

-- name: changed_leads
SELECT DISTINCT to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
       NULL::uuid AS campaign, l.id AS key, l.changed_xid < %(since)s AS known
FROM (
    SELECT id FROM leads WHERE changed_xid >= %(since)s AND changed_xid < %(until)s
    UNION
    SELECT l.id FROM suppressions x JOIN leads l USING (number_id)
    WHERE x.changed_xid >= %(since)s AND x.changed_xid < %(until)s
    UNION
    SELECT key::bigint FROM lake_gone
    WHERE table_name = 'leads' AND xid >= %(since)s AND xid < %(until)s) c
JOIN leads l USING (id)
WHERE l.changed_xid < %(until)s

-- name: changed_campaign_leads
SELECT NULL::text AS month, campaign_id AS campaign, lead_id AS key, false AS known
FROM campaign_leads WHERE changed_xid >= %(since)s AND changed_xid < %(until)s

-- name: changed_assignments
SELECT DISTINCT NULL::text AS month, x.campaign_id AS campaign, a.lead_id AS key, false AS known
FROM assignments a JOIN experiments x ON x.id = a.experiment_id
WHERE a.changed_xid >= %(since)s AND a.changed_xid < %(until)s

-- name: changed_decisions
SELECT NULL::text AS month, NULL::uuid AS campaign, id AS key, false AS known
FROM decisions WHERE changed_xid >= %(since)s AND changed_xid < %(until)s

-- name: gone
-- Rows that are not there any more; one that was only changed is found above.
SELECT g.table_name, g.key, g.month, g.campaign_id AS campaign
FROM lake_gone g
WHERE g.xid >= %(since)s AND g.xid < %(until)s
  AND CASE g.table_name
      WHEN 'leads' THEN NOT EXISTS (SELECT FROM leads l WHERE l.id::text = g.key)
      ELSE true END

-- name: attempts
-- A lead's earlier attempts in the campaign say whether this one was the first to get so far.
SELECT v.*, ll.name AS list, s.name AS seller, l.zones[1] AS zone,
       (v.intended_at AT TIME ZONE coalesce(l.zones[1], 'UTC'))::date AS local_day,
       greatest(l.created_at, c.created_at) AS loaded_at, i.label AS caller_id,
       arm.experiment, arm.arm,
       (SELECT max(cv.version) FROM campaign_versions cv
        WHERE cv.campaign_id = c.id AND cv.created_at <= v.intended_at) AS campaign_version,
       k.detection_ms, a.first_audio_ms, k.carrier_s,
       extract(epoch FROM a.ended_at - a.answered_at)::float8 AS talk_s,
       q.total AS qa_total, q.passed AS qa_passed,
       v.reached_carrier AND before.dials = 0 AS first_dial,
       v.answered AND NOT before.answered AS first_answered,
       v.human_answered AND NOT before.human AS first_human,
       v.right_party AND NOT before.right_party AS first_right_party,
       v.conversed AND NOT before.conversed AS first_conversed,
       v.goal AND NOT before.goal AS first_goal,
       before.dials AS dials_before, before.human AS human_before,
       before.dialed_at AS previous_dial_at, l.country
FROM v_attempts v
JOIN attempts a ON a.id = v.attempt_id
JOIN campaigns c ON c.id = a.campaign_id
JOIN sellers s ON s.id = c.seller_id
JOIN leads l ON l.id = a.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
LEFT JOIN caller_ids i ON i.number_id = a.caller_id_number
LEFT JOIN LATERAL (
    SELECT k.detection_ms, k.duration_s AS carrier_s FROM calls k WHERE k.attempt_id = a.id
    ORDER BY k.created_at LIMIT 1) k ON true
LEFT JOIN LATERAL (
    SELECT q.total, q.passed FROM qa_scores q WHERE q.attempt_id = a.id
    ORDER BY q.scorer = 'human' DESC, q.id DESC LIMIT 1) q ON true
LEFT JOIN LATERAL (
    SELECT x.name AS experiment, y.arm FROM assignments y JOIN experiments x ON x.id = y.experiment_id
    WHERE x.campaign_id = a.campaign_id AND y.lead_id = a.lead_id AND y.assigned_at <= a.ended_at
    ORDER BY y.assigned_at DESC LIMIT 1) arm ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.reached_carrier) AS dials,
           max(e.intended_at) FILTER (WHERE d.reached_carrier) AS dialed_at,
           coalesce(bool_or(d.answered), false) AS answered,
           coalesce(bool_or(d.human_answered), false) AS human,
           coalesce(bool_or(d.human_answered AND e.disposition IS DISTINCT FROM 'wrong_number' AND EXISTS (
               SELECT FROM turns t WHERE t.attempt_id = e.id AND t.speaker = 'caller')), false)
               AS right_party,
           coalesce(bool_or(d.conversed), false) AS conversed,
           coalesce(bool_or(d.goal), false) AS goal
    FROM attempts e LEFT JOIN dispositions d ON d.code = e.disposition
    WHERE e.lead_id = a.lead_id AND e.campaign_id = a.campaign_id
      AND (e.intended_at, e.id) < (a.intended_at, a.id)) before
WHERE v.attempt_id = ANY(%(keys)s::uuid[])

-- name: calls
SELECT * FROM v_calls WHERE attempt_id = ANY(%(keys)s::uuid[])

-- name: turns
SELECT * FROM v_turns WHERE attempt_id = ANY(%(keys)s::uuid[])

-- name: events
-- As `v_events` has them; the month leads to the partition.
SELECT e.attempt_id, a.campaign_id, c.name AS campaign, a.lead_id, n.person_key, a.attempt_no,
       e.seq, e.kind, e.key, e.payload, e.occurred_at, e.recorded_at, a.rehearsal
FROM attempts a
JOIN call_events e ON e.month = a.month AND e.attempt_id = a.id
JOIN campaigns c ON c.id = a.campaign_id
JOIN numbers n ON n.id = a.number_id
WHERE a.id = ANY(%(keys)s::uuid[])

-- name: decisions
-- What stood before on the same lead in the same campaign, and whether it had been dialed by then.
SELECT v.*, ll.name AS list, p.allow AS allow_before, p.reasons AS reasons_before,
       EXISTS (SELECT FROM attempts a JOIN dispositions d ON d.code = a.disposition
               WHERE a.lead_id = v.lead_id AND a.campaign_id = v.campaign_id
                 AND a.intended_at < v.decided_at AND d.reached_carrier
                 AND a.id IS DISTINCT FROM v.attempt_id) AS dialed_before
FROM v_decisions v
JOIN leads l ON l.id = v.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
LEFT JOIN LATERAL (
    SELECT b.allow, b.reasons FROM decisions b
    WHERE b.lead_id = v.lead_id AND b.campaign_id = v.campaign_id AND b.id < v.decision_id
    ORDER BY b.id DESC LIMIT 1) p ON true
WHERE v.decision_id = ANY(%(keys)s::bigint[])

-- name: leads
SELECT * FROM v_leads WHERE lead_id = ANY(%(keys)s::bigint[])

-- name: campaign_leads
SELECT cl.campaign_id || '/' || cl.lead_id AS member_key, cl.campaign_id, c.name AS campaign,
       cl.lead_id, ll.name AS list, l.zones[1] AS zone,
       greatest(l.created_at, c.created_at) AS loaded_at, c.rehearsal
FROM unnest(%(campaigns)s::uuid[], %(keys)s::bigint[]) AS w(campaign_id, lead_id)
JOIN campaign_leads cl USING (campaign_id, lead_id)
JOIN campaigns c ON c.id = cl.campaign_id
JOIN leads l ON l.id = cl.lead_id
JOIN lead_lists ll ON ll.id = l.list_id

-- name: assignments
SELECT a.experiment_id, x.campaign_id, a.lead_id, a.stratum, a.arm, a.assigned_at
FROM unnest(%(campaigns)s::uuid[], %(keys)s::bigint[]) AS w(campaign_id, lead_id)
JOIN experiments x USING (campaign_id)
JOIN assignments a ON a.experiment_id = x.id AND a.lead_id = w.lead_id
WHERE a.changed_xid >= %(since)s AND a.changed_xid < %(until)s

-- name: campaigns
SELECT c.id AS campaign_id, c.name AS campaign, s.name AS seller, ll.name AS list,
       v.script_name AS script, c.state, c.version, c.rehearsal, c.created_at
FROM campaigns c
JOIN sellers s ON s.id = c.seller_id
JOIN lead_lists ll ON ll.id = c.list_id
LEFT JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
ORDER BY c.id

-- name: dispositions
SELECT * FROM dispositions ORDER BY code

-- name: prices
SELECT item, country, amount, currency, valid_from, valid_to FROM prices ORDER BY id

-- name: caller_ids
SELECT i.label AS caller_id, s.name AS seller, i.standing, i.standing_since, i.active
FROM caller_ids i JOIN sellers s ON s.id = i.seller_id ORDER BY i.number_id

-- name: experiments
-- Where the shares of a script changed on the way, `arms` has their mean over the leads.
SELECT x.id AS experiment_id, x.campaign_id, c.name AS campaign, x.name AS experiment,
       coalesce((
           SELECT jsonb_object_agg(w.arm, w.share) FROM (
               SELECT e.key AS arm, round((sum(s.drawn * e.value::float8) / (
                   SELECT sum(t.drawn) FROM assignment_strata t
                   WHERE t.experiment_id = x.id))::numeric, 6)::float8 AS share
               FROM assignment_strata s CROSS JOIN LATERAL jsonb_each_text(s.shares::jsonb) e
               WHERE s.experiment_id = x.id AND s.drawn > 0 GROUP BY e.key) w), x.arms) AS arms,
       x.started_at, x.stopped_at, x.metric, x.baseline, x.minimal_effect, x.alpha, x.power,
       CASE WHEN x.minimal_effect IS NOT NULL THEN to_jsonb(x.guardrails) END AS guardrails, x.planned_n, x.verdict ->> 'kind' AS verdict, x.verdict ->> 'why' AS verdict_why,
       x.stopped_reason, x.winner
FROM experiments x JOIN campaigns c ON c.id = x.campaign_id ORDER BY x.id
