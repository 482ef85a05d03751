-- name: lead_to_call_back
-- A lead's standing, held until the agreed time is written: a claim may not take it in between.
SELECT cl.state, cl.attempts, cl.disposition, l.zones || n.zones AS zones, c.name AS campaign,
       c.state AS campaign_state, v.config -> 'schedule' AS schedule, v.config ->> 'policy' AS profile,
       v.config -> 'retries' AS policy,
       n.erased_at IS NOT NULL OR EXISTS (
           SELECT FROM suppressions x WHERE x.number_id = cl.number_id
             AND (x.scope = 'all' OR x.seller_id = c.seller_id OR x.campaign_id = c.id)
       ) AS suppressed,
       coalesce(d.dnc OR d.unworkable, false) AS over
FROM campaign_leads cl
JOIN campaigns c ON c.id = cl.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN leads l ON l.id = cl.lead_id
JOIN numbers n ON n.id = cl.number_id
LEFT JOIN dispositions d ON d.code = cl.disposition
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = %(lead_id)s
FOR UPDATE OF cl

-- name: agree
-- A lead that is being called now keeps its state: the end of its call takes the time over.
UPDATE campaign_leads SET callback_at = %(at)s, callback_by = %(by)s, callback_noted_at = %(now)s,
    state = CASE state WHEN 'calling' THEN state ELSE 'ready' END,
    next_allowed_at = CASE state WHEN 'calling' THEN next_allowed_at ELSE %(due)s END,
    rotate_from = NULL, decision_key = NULL, updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND lead_id = %(lead_id)s

-- name: zones_in_call
SELECT l.zones || n.zones AS zones FROM attempts a
JOIN leads l ON l.id = a.lead_id JOIN numbers n ON n.id = a.number_id
WHERE a.id = %(attempt_id)s

-- name: agree_in_call
-- While the call lives; its end takes the time over. The newest word counts.
UPDATE campaign_leads cl SET callback_at = %(at)s, callback_by = 'call',
    callback_noted_at = %(now)s, updated_at = %(now)s
FROM attempts a
WHERE a.id = %(attempt_id)s AND a.state <> 'ended' AND cl.campaign_id = a.campaign_id
  AND cl.lead_id = a.lead_id AND cl.state = 'calling'
