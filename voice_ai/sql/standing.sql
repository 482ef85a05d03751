-- name: leads_by_wait
-- The leads of a campaign by what they wait for; `due` are those whose time has come. A code of the
-- ledger, or one of: done, calling, CALLBACK, NOT_ASKED_YET, and AFTER: with an outcome.
SELECT CASE WHEN cl.state <> 'ready' THEN cl.state
            WHEN cl.callback_at IS NOT NULL THEN 'CALLBACK'
            WHEN cl.decision_key <> 'ALLOW' THEN cl.decision_key
            WHEN cl.disposition IS NOT NULL THEN 'AFTER:' || cl.disposition
            ELSE 'NOT_ASKED_YET' END AS what,
       count(*) AS leads,
       count(*) FILTER (WHERE cl.state = 'ready' AND (
           cl.next_allowed_at IS NULL OR cl.next_allowed_at <= %(now)s)) AS due,
       min(cl.next_allowed_at) FILTER (WHERE cl.next_allowed_at > %(now)s) AS first_at,
       max(cl.next_allowed_at) FILTER (WHERE cl.next_allowed_at > %(now)s) AS last_at,
       sum(cl.attempts)::bigint AS dials,
       count(*) FILTER (WHERE cl.attempts > 0) AS dialed
FROM campaign_leads cl WHERE cl.campaign_id = %(campaign_id)s
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: ready_by_zones
-- Ready leads by the zones that they may be in; `due` are those whose time has come.
SELECT l.zones, count(*) AS leads,
       count(*) FILTER (WHERE cl.next_allowed_at IS NULL OR cl.next_allowed_at <= %(now)s) AS due
FROM campaign_leads cl JOIN leads l ON l.id = cl.lead_id
WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: campaign_facts
-- The version in force, how many dials were made lately, who could make more, what forbids it.
SELECT c.name, c.state, c.state_since, v.config -> 'schedule' AS schedule,
       v.config ->> 'policy' AS profile,
       (SELECT count(*) FROM attempts a WHERE a.campaign_id = c.id AND a.intended_at > %(since)s
          AND a.intended_at <= %(now)s AND a.disposition IS DISTINCT FROM 'not_dialed') AS dials,
       (SELECT min(a.intended_at) FROM attempts a
        WHERE a.campaign_id = c.id AND a.intended_at > %(since)s) AS first_dial,
       (SELECT count(*) FROM workers w WHERE w.kind = 'dialer' AND w.stopped_at IS NULL
          AND w.seen_at > now() - interval '10 seconds') AS dialers,
       ARRAY(SELECT w.reason FROM switches w WHERE w.cleared_at IS NULL
             AND (w.kind = 'global' OR w.kind = 'campaign' AND w.key = c.id::text)
             ORDER BY w.set_at) AS switches
FROM campaigns c
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.id = %(campaign_id)s

-- name: lead_in_campaign
-- One lead's standing, without its number and its name.
SELECT c.name AS campaign, c.state AS campaign_state, cl.lead_id, right(n.person_key::text, 6) AS person,
       cl.state, cl.attempts, cl.next_allowed_at, cl.rotate_from, cl.callback_at, cl.callback_by,
       cl.callback_noted_at, cl.disposition, cl.priority, l.zones || n.zones AS zones,
       n.erased_at IS NOT NULL AS erased,
       EXISTS (SELECT FROM suppressions x WHERE x.number_id = cl.number_id
               AND (x.scope = 'all' OR x.seller_id = c.seller_id OR x.campaign_id = c.id)
              ) AS suppressed,
       v.config -> 'retries' AS policy, v.config -> 'schedule' AS schedule,
       v.config ->> 'policy' AS profile,
       s.chance, s.rule, s.model_version, s.slot_day, s.slot_hour, s.slot_arm
FROM campaign_leads cl
JOIN campaigns c ON c.id = cl.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN leads l ON l.id = cl.lead_id
JOIN numbers n ON n.id = cl.number_id
LEFT JOIN lead_scores s ON s.campaign_id = cl.campaign_id AND s.lead_id = cl.lead_id
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = %(lead_id)s

-- name: attempts_of_lead
-- Its dials in this campaign, the oldest first, and which of them count.
SELECT a.id AS attempt_id, a.attempt_no, a.intended_at, a.ended_at, a.state, a.disposition, d.label,
       coalesce(d.reached_carrier, true)
           AND (a.disposition IS DISTINCT FROM 'failed_transient' OR a.rang_at IS NOT NULL) AS counts
FROM attempts a LEFT JOIN dispositions d ON d.code = a.disposition
WHERE a.campaign_id = %(campaign_id)s AND a.lead_id = %(lead_id)s
ORDER BY a.intended_at, a.attempt_no

-- name: last_decision
SELECT d.decided_at, d.stage, d.allow, d.reasons, d.next_allowed_at, d.policy_hash
FROM decisions d
WHERE d.lead_id = %(lead_id)s AND d.campaign_id = %(campaign_id)s ORDER BY d.id DESC LIMIT 1

-- name: campaigns_of_lead
SELECT cl.campaign_id, c.name FROM campaign_leads cl JOIN campaigns c ON c.id = cl.campaign_id
WHERE cl.lead_id = %(lead_id)s ORDER BY c.created_at DESC

-- name: ledger
-- Decisions of a campaign, the newest first.
SELECT d.id AS decision_id, d.decided_at, d.lead_id, d.stage, d.allow, d.reasons,
       d.next_allowed_at, d.attempt_id, d.policy_hash
FROM decisions d
WHERE d.campaign_id = %(campaign_id)s
  AND (%(lead_id)s::bigint IS NULL OR d.lead_id = %(lead_id)s)
  AND (%(reason)s::text IS NULL OR %(reason)s = ANY(d.reasons) OR %(reason)s = 'ALLOW' AND d.allow)
  AND (%(since)s::timestamptz IS NULL OR d.decided_at >= %(since)s)
ORDER BY d.decided_at DESC, d.id DESC LIMIT %(limit)s
