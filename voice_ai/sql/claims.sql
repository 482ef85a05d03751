-- name: open_pace
INSERT INTO carrier_pace (account, next_slot_at) VALUES (%(account)s, %(now)s)
ON CONFLICT (account) DO NOTHING

-- name: lock_pace
-- One claim at a time per carrier account: what is counted below stays true until the commit.
SELECT next_slot_at FROM carrier_pace WHERE account = %(account)s FOR UPDATE

-- name: move_pace
UPDATE carrier_pace SET next_slot_at = %(next)s WHERE account = %(account)s

-- name: running_campaigns
-- The one that was served longest ago comes first: they share the account's slots.
SELECT c.id, c.max_leads, c.rehearsal, v.config,
       ARRAY(SELECT i.number_id FROM caller_ids i
             WHERE i.number_id = ANY(v.caller_ids) AND i.active ORDER BY i.number_id) AS caller_ids,
       (SELECT count(*) FROM attempts a WHERE a.campaign_id = c.id AND a.state <> 'ended') AS live,
       p.next_slot_at, p.ramp_step, p.ramp_since, p.held_until, p.throttle
FROM campaigns c
LEFT JOIN campaign_pace p ON p.campaign_id = c.id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.state = 'running' AND c.rehearsal = %(rehearsal)s
ORDER BY (SELECT max(a.intended_at) FROM attempts a WHERE a.campaign_id = c.id) NULLS FIRST,
         c.created_at, c.id

-- name: leads_started
SELECT count(DISTINCT lead_id) AS started FROM attempts WHERE campaign_id = %(campaign_id)s

-- name: lock_ready_leads
-- Callbacks that are due, beside leads whose time has come, the longest due first, and leads that
-- were never put off, the most important first: three short index scans, whatever the list's length.
-- `fresh` off: only leads that
-- were started before (the campaign's limit of leads is reached); a ready lead has a disposition
-- exactly when an attempt of its has ended.
WITH due AS (
    (SELECT cl.lead_id FROM campaign_leads cl
     WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
       AND cl.callback_at <= %(now)s AND cl.next_allowed_at <= %(now)s
       AND (%(fresh)s OR cl.disposition IS NOT NULL)
       AND NOT EXISTS (
           SELECT FROM attempts x WHERE x.number_id = cl.number_id AND x.state <> 'ended')
     ORDER BY cl.callback_at
     LIMIT %(limit)s)
    UNION
    (SELECT cl.lead_id FROM campaign_leads cl
     WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
       AND cl.next_allowed_at <= %(now)s AND (%(fresh)s OR cl.disposition IS NOT NULL)
       AND NOT EXISTS (
           SELECT FROM attempts x WHERE x.number_id = cl.number_id AND x.state <> 'ended')
     ORDER BY cl.next_allowed_at, cl.priority DESC, cl.position
     LIMIT %(limit)s)
    UNION
    (SELECT cl.lead_id FROM campaign_leads cl
     WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
       AND cl.next_allowed_at IS NULL AND (%(fresh)s OR cl.disposition IS NOT NULL)
       AND NOT EXISTS (
           SELECT FROM attempts x WHERE x.number_id = cl.number_id AND x.state <> 'ended')
     ORDER BY cl.priority DESC, cl.position
     LIMIT %(limit)s))
SELECT cl.lead_id, cl.attempts, cl.decision_key
FROM due JOIN campaign_leads cl ON cl.campaign_id = %(campaign_id)s AND cl.lead_id = due.lead_id
WHERE cl.state = 'ready' AND (cl.next_allowed_at IS NULL OR cl.next_allowed_at <= %(now)s)
ORDER BY cl.callback_at <= %(now)s DESC NULLS LAST, cl.priority DESC, cl.position
LIMIT %(limit)s
FOR UPDATE OF cl SKIP LOCKED

-- name: commit_intents
-- Attempts with their first events, and their leads on the way. The rows come as one JSON document:
-- a list for each column is slow to write down in Python.
WITH i AS (
    SELECT * FROM jsonb_to_recordset(%(intents)s::jsonb)
        AS t(attempt_id uuid, lead_id bigint, number_id bigint, attempt_no int, caller_id bigint,
             slot_at timestamptz, key text, payload jsonb)),
dials AS (
    INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,
        caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at, late,
        rehearsal)
    SELECT i.attempt_id, %(month)s, %(campaign_id)s, i.lead_id, i.number_id, i.attempt_no,
           i.caller_id, %(worker_id)s, 'intended', 1, 1, i.slot_at, %(now)s, false, %(rehearsal)s
    FROM i),
events AS (
    INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)
    SELECT %(month)s, i.attempt_id, 1, %(kind)s, i.key, i.payload, %(now)s FROM i)
UPDATE campaign_leads cl SET state = 'calling', decision_key = 'ALLOW', updated_at = %(now)s
FROM i WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = i.lead_id

-- name: write_decisions
INSERT INTO decisions (campaign_id, lead_id, number_id, attempt_id, stage, allow, reasons,
    policy_hash, next_allowed_at, decided_at, rehearsal)
SELECT %(campaign_id)s, d.lead_id, d.number_id, d.attempt_id, %(stage)s, d.allow,
       d.reasons, d.policy_hash, d.next_allowed_at, %(now)s, %(rehearsal)s
FROM jsonb_to_recordset(%(decisions)s::jsonb)
     AS d(lead_id bigint, number_id bigint, attempt_id uuid, allow boolean, reasons text[],
          policy_hash text, next_allowed_at timestamptz)

-- name: put_off
-- Leads that may not be called now: again at their time, or never.
UPDATE campaign_leads cl
SET state = CASE WHEN p.final THEN 'done' ELSE cl.state END,
    next_allowed_at = p.next_at, decision_key = p.key, updated_at = %(now)s
FROM unnest(%(lead_ids)s::bigint[], %(nexts)s::timestamptz[], %(keys)s::text[],
            %(finals)s::boolean[]) AS p(lead_id, next_at, key, final)
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = p.lead_id

-- name: complete_campaigns
-- A campaign without a lead that could still be called, and without a live call, is complete.
WITH idle AS (
    SELECT c.id, c.max_leads IS NULL OR c.max_leads > (
        SELECT count(DISTINCT a.lead_id) FROM attempts a WHERE a.campaign_id = c.id) AS fresh
    FROM campaigns c
    WHERE c.state = 'running' AND c.rehearsal = %(rehearsal)s
      AND NOT EXISTS (SELECT FROM attempts a WHERE a.campaign_id = c.id AND a.state <> 'ended'))
UPDATE campaigns c SET state = 'completed', state_since = %(now)s
FROM idle
WHERE c.id = idle.id AND NOT EXISTS (
    SELECT FROM campaign_leads cl WHERE cl.campaign_id = c.id AND cl.state <> 'done'
      AND (idle.fresh OR cl.disposition IS NOT NULL))
RETURNING c.id
