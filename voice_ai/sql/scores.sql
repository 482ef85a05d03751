-- name: campaigns_to_score
SELECT c.id, c.name, c.seller_id, c.rehearsal, v.config -> 'schedule' AS schedule,
       v.config ->> 'policy' AS profile
FROM campaigns c JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE (%(campaign)s::text IS NULL AND c.state IN ('draft', 'running', 'paused', 'stopped')
       OR c.name = %(campaign)s)
  AND EXISTS (SELECT FROM campaign_leads cl WHERE cl.campaign_id = c.id AND cl.state = 'ready')
ORDER BY c.name

-- name: known_campaign
SELECT FROM campaigns WHERE name = %(campaign)s

-- name: answer_history
-- Per time zone and number of dials before (2: two or more): dials, and those a person picked up.
SELECT coalesce(l.zones[1], 'unknown') AS zone, least(a.attempt_no - 1, 2) AS dials_before,
       count(*) AS dials, count(*) FILTER (WHERE d.human_answered) AS human
FROM attempts a
JOIN dispositions d ON d.code = a.disposition AND d.reached_carrier
JOIN campaigns c ON c.id = a.campaign_id
JOIN leads l ON l.id = a.lead_id
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.ended_at <= %(now)s
  AND a.rehearsal = %(rehearsal)s AND c.seller_id = %(seller_id)s
GROUP BY 1, 2 ORDER BY 1, 2

-- name: hour_history
-- The same dials by zone, kind of line and hour; which hour that was there, Python knows.
SELECT l.zones[1] AS zone, n.line_type, date_trunc('hour', a.intended_at) AS at,
       count(*) AS dials, count(*) FILTER (WHERE d.human_answered) AS human
FROM attempts a
JOIN dispositions d ON d.code = a.disposition AND d.reached_carrier
JOIN campaigns c ON c.id = a.campaign_id
JOIN leads l ON l.id = a.lead_id
JOIN numbers n ON n.id = a.number_id
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.ended_at <= %(now)s
  AND a.rehearsal = %(rehearsal)s AND c.seller_id = %(seller_id)s AND l.zones[1] IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- name: slot_outcomes
-- Per person with hours: the dials since it has them. Every dial counts, at whatever hour it was.
SELECT n.person_key::text AS person, s.slot_arm AS arm, s.slot_share AS share,
       count(*) AS dials, count(*) FILTER (WHERE d.human_answered) AS human
FROM attempts a
JOIN dispositions d ON d.code = a.disposition AND d.reached_carrier
JOIN campaigns c ON c.id = a.campaign_id
JOIN lead_scores s ON s.campaign_id = a.campaign_id AND s.lead_id = a.lead_id
JOIN numbers n ON n.id = a.number_id
WHERE a.state = 'ended' AND a.ended_at <= %(now)s AND a.intended_at >= s.slot_since
  AND s.slot_arm IS NOT NULL AND a.rehearsal = %(rehearsal)s AND c.seller_id = %(seller_id)s
GROUP BY 1, 2, 3

-- name: last_position
SELECT coalesce(max(position), -1) AS last FROM campaign_leads
WHERE campaign_id = %(campaign_id)s AND state = 'ready'

-- name: leads_to_score
SELECT cl.lead_id, cl.number_id, cl.attempts, l.created_at, coalesce(l.zones[1], 'unknown') AS zone,
       l.zones || n.zones AS zones, n.line_type, n.person_key::text AS person,
       s.slot_day, s.slot_hour, s.slot_chance, s.slot_share
FROM campaign_leads cl
JOIN leads l ON l.id = cl.lead_id
JOIN numbers n ON n.id = cl.number_id
LEFT JOIN lead_scores s ON s.campaign_id = cl.campaign_id AND s.lead_id = cl.lead_id
WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
  AND cl.position >= %(first)s AND cl.position < %(end)s
ORDER BY cl.position

-- name: write_scores
-- One stretch of the list. What was worked out without a lock is written for the leads that are
-- still as they were; a lead that is being claimed right now keeps what it has. Rows that would
-- stay the same are not written, so that an hourly run costs what it changes.
WITH told AS (
    SELECT * FROM jsonb_to_recordset(%(scores)s::jsonb)
        AS t(lead_id bigint, attempts int, priority float8, chance float8, slot_day date,
             slot_hour int, slot_arm text, slot_chance float8)
), held AS (
    -- Lead by lead through the primary key: a list that was enrolled a moment ago has no statistics
    -- yet, and a plan that took it for short would compare every lead with every row that is told.
    SELECT t.*, cl.priority AS priority_was FROM told t CROSS JOIN LATERAL (
        SELECT x.priority FROM campaign_leads x
        WHERE x.campaign_id = %(campaign_id)s AND x.lead_id = t.lead_id AND x.state = 'ready'
          AND x.attempts = t.attempts
        FOR UPDATE OF x SKIP LOCKED) cl
), written AS (
    INSERT INTO lead_scores AS s (campaign_id, lead_id, priority, rule, model_version, chance,
        slot_day, slot_hour, slot_arm, slot_share, slot_chance, slot_since, scored_at)
    SELECT %(campaign_id)s, lead_id, priority, %(rule)s, %(model_version)s, chance,
           slot_day, slot_hour, slot_arm, CASE WHEN slot_arm IS NOT NULL THEN %(share)s::float8 END,
           slot_chance, CASE WHEN slot_arm IS NOT NULL THEN %(now)s END, %(now)s
    FROM held
    ON CONFLICT (campaign_id, lead_id) DO UPDATE SET
        priority = excluded.priority, rule = excluded.rule,
        model_version = excluded.model_version, chance = excluded.chance,
        slot_day = excluded.slot_day, slot_hour = excluded.slot_hour,
        slot_arm = excluded.slot_arm, slot_share = excluded.slot_share,
        slot_chance = excluded.slot_chance,
        slot_since = CASE WHEN (s.slot_arm, s.slot_share)
                               IS NOT DISTINCT FROM (excluded.slot_arm, excluded.slot_share)
                     THEN s.slot_since ELSE excluded.slot_since END,
        scored_at = excluded.scored_at
    WHERE (s.priority, s.rule, s.model_version, s.chance, s.slot_day, s.slot_hour, s.slot_arm,
           s.slot_share, s.slot_chance)
       IS DISTINCT FROM (excluded.priority, excluded.rule, excluded.model_version,
           excluded.chance, excluded.slot_day, excluded.slot_hour, excluded.slot_arm,
           excluded.slot_share, excluded.slot_chance)
), moved AS (
    UPDATE campaign_leads cl SET priority = h.priority, updated_at = %(now)s
    FROM held h WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = h.lead_id
      AND h.priority <> h.priority_was
    RETURNING cl.lead_id
)
SELECT (SELECT count(*) FROM held) AS scored, (SELECT count(*) FROM moved) AS moved

-- name: sellers_dialed
-- Whose dials there are to learn from.
SELECT s.id, s.name, count(*) AS dials FROM attempts a
JOIN campaigns c ON c.id = a.campaign_id JOIN sellers s ON s.id = c.seller_id
WHERE a.state = 'ended' AND a.rehearsal = %(rehearsal)s AND a.ended_at <= %(now)s
  AND (%(seller)s::text IS NULL OR s.name = %(seller)s)
GROUP BY 1, 2 ORDER BY 3 DESC, 2
