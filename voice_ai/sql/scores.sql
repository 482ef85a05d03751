-- name: campaigns_to_score
SELECT c.id, c.name, c.seller_id, c.rehearsal FROM campaigns c
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

-- name: last_position
SELECT coalesce(max(position), -1) AS last FROM campaign_leads
WHERE campaign_id = %(campaign_id)s AND state = 'ready'

-- name: score_leads
-- One stretch of the list in one transaction, so that the claim never waits long. A lead that is
-- being claimed right now keeps what it has. The formula is that of voice_ai/priorities.py.
WITH scores AS (
    SELECT * FROM unnest(%(zones)s::text[], %(dials_before)s::int[], %(priorities)s::float8[])
        AS s(zone, dials_before, priority)
), held AS (
    SELECT cl.campaign_id, cl.lead_id, cl.priority AS priority_was,
           greatest(0, %(freshest)s - floor(log(2, 1 + greatest(0,
               extract(epoch FROM %(now)s - l.created_at) / 86400))))
           + round(least(%(most)s, greatest(0, coalesce(s.priority, %(otherwise)s)
               - %(fatigue)s * cl.attempts))::numeric, 2) AS priority
    FROM campaign_leads cl
    JOIN leads l ON l.id = cl.lead_id
    LEFT JOIN scores s ON s.zone = coalesce(l.zones[1], 'unknown')
        AND s.dials_before = least(cl.attempts, 2)
    WHERE cl.campaign_id = %(campaign_id)s AND cl.state = 'ready'
      AND cl.position >= %(first)s AND cl.position < %(end)s
    FOR UPDATE OF cl SKIP LOCKED
), written AS (
    INSERT INTO lead_scores (campaign_id, lead_id, priority, model_version, scored_at)
    SELECT campaign_id, lead_id, priority, %(rule)s, %(now)s FROM held
    ON CONFLICT (campaign_id, lead_id) DO UPDATE SET priority = excluded.priority,
        model_version = excluded.model_version, scored_at = excluded.scored_at
), moved AS (
    UPDATE campaign_leads cl SET priority = h.priority, updated_at = %(now)s
    FROM held h WHERE cl.campaign_id = h.campaign_id AND cl.lead_id = h.lead_id
      AND h.priority <> h.priority_was
    RETURNING cl.lead_id
)
SELECT (SELECT count(*) FROM held) AS scored, (SELECT count(*) FROM moved) AS moved
