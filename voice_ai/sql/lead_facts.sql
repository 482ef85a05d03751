-- What is known of a lead before it is dialed, at the moment of a past dial and now: two queries, one
-- shape. `before` are the dials to the number, by the same seller, that had ended by then.
-- name: past_dials
SELECT l.zones[1] AS zone, l.states[1] AS state, l.country, n.line_type, ll.consent_kind AS consent,
       extract(epoch FROM a.intended_at - l.created_at)::float8 / 86400 AS age_days,
       before.dials::float8 AS dials_before, before.contacts::float8 AS contacts_before,
       before.elsewhere::float8 AS dials_elsewhere, before.last_outcome,
       extract(epoch FROM a.intended_at - before.last_at)::float8 / 86400 AS days_since_last,
       extract(epoch FROM a.intended_at)::float8 AS at,
       CASE WHEN d.goal THEN 'goal' WHEN d.human_answered THEN 'contact' ELSE 'no_contact'
       END AS label
FROM attempts a
JOIN dispositions d ON d.code = a.disposition AND d.reached_carrier
JOIN campaigns c ON c.id = a.campaign_id
JOIN leads l ON l.id = a.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
JOIN numbers n ON n.id = a.number_id
CROSS JOIN LATERAL (
    SELECT count(*) AS dials, count(*) FILTER (WHERE pd.human_answered) AS contacts,
           count(*) FILTER (WHERE p.campaign_id <> a.campaign_id) AS elsewhere,
           max(p.ended_at) AS last_at,
           (array_agg(p.disposition ORDER BY p.ended_at DESC, p.id))[1] AS last_outcome
    FROM attempts p
    JOIN dispositions pd ON pd.code = p.disposition AND pd.reached_carrier
    JOIN campaigns pc ON pc.id = p.campaign_id AND pc.seller_id = c.seller_id
    WHERE p.number_id = a.number_id AND p.state = 'ended' AND p.rehearsal = a.rehearsal
      AND p.ended_at < a.intended_at) before
WHERE a.state = 'ended' AND a.rehearsal = %(rehearsal)s AND c.seller_id = %(seller_id)s
  AND a.intended_at >= %(since)s AND a.ended_at <= %(as_of)s
ORDER BY a.intended_at, a.id

-- name: waiting_leads
SELECT t.lead_id, l.zones[1] AS zone, l.states[1] AS state, l.country, n.line_type,
       ll.consent_kind AS consent,
       extract(epoch FROM %(now)s - l.created_at)::float8 / 86400 AS age_days,
       before.dials::float8 AS dials_before, before.contacts::float8 AS contacts_before,
       before.elsewhere::float8 AS dials_elsewhere, before.last_outcome,
       extract(epoch FROM %(now)s - before.last_at)::float8 / 86400 AS days_since_last
FROM unnest(%(lead_ids)s::bigint[]) AS t(lead_id)
JOIN leads l ON l.id = t.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
JOIN numbers n ON n.id = l.number_id
CROSS JOIN LATERAL (
    SELECT count(*) AS dials, count(*) FILTER (WHERE pd.human_answered) AS contacts,
           count(*) FILTER (WHERE p.campaign_id <> %(campaign_id)s) AS elsewhere,
           max(p.ended_at) AS last_at,
           (array_agg(p.disposition ORDER BY p.ended_at DESC, p.id))[1] AS last_outcome
    FROM attempts p
    JOIN dispositions pd ON pd.code = p.disposition AND pd.reached_carrier
    JOIN campaigns pc ON pc.id = p.campaign_id AND pc.seller_id = %(seller_id)s
    WHERE p.number_id = l.number_id AND p.state = 'ended' AND p.rehearsal = %(rehearsal)s
      AND p.ended_at < %(now)s) before
