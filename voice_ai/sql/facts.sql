-- name: lead_facts
-- Everything that a decision needs, read in one statement; `attempt_id` is left out of the counts.
-- A dial that only the carrier failed at counts when it rang.
WITH version AS MATERIALIZED (
    SELECT v.config FROM campaigns c JOIN campaign_versions v
        ON v.campaign_id = c.id AND v.version = c.version
    WHERE c.id = %(campaign_id)s)
SELECT cl.lead_id, cl.number_id, cl.attempts, cl.next_allowed_at, cl.decision_key,
       l.zones || n.zones AS zones, l.states || n.states AS states,
       ARRAY[l.country, n.country] AS countries, n.line_type,
       n.erased_at IS NOT NULL AS erased, ll.consent_kind AS list_consent,
       (SELECT jsonb_agg(jsonb_build_array(k.kind, k.purpose, k.obtained_at))
        FROM consents k WHERE k.number_id = cl.number_id AND k.seller_id = c.seller_id
          AND k.revoked_at IS NULL AND k.obtained_at <= %(now)s
          AND (k.expires_at IS NULL OR k.expires_at > %(now)s)) AS own_consents,
       -- A rehearsal asks no outside list.
       CASE WHEN c.rehearsal THEN '{}' ELSE
           ARRAY(SELECT e.source FROM list_entries e
                 WHERE e.source = ANY(%(sources)s) AND e.fingerprint = n.fingerprint)
       END AS listed,
       -- The same for every lead: the newest snapshot of each list, and the switches that are on.
       CASE WHEN NOT c.rehearsal THEN
           (SELECT jsonb_object_agg(s.source, s.taken_at)
            FROM (SELECT source, max(taken_at) AS taken_at FROM list_snapshots GROUP BY source) s)
       END AS snapshots,
       (SELECT jsonb_agg(jsonb_build_array(w.kind, w.key)) FROM switches w
        WHERE w.cleared_at IS NULL AND w.kind IN ('country', 'rule')) AS switches,
       EXISTS (
           SELECT FROM suppressions s WHERE s.number_id = cl.number_id
             AND (s.scope = 'all' OR s.seller_id = c.seller_id OR s.campaign_id = c.id)
       ) AS suppressed,
       coalesce(d.recent_dials, '{}') AS recent_dials,
       d.last_disposition IS NOT DISTINCT FROM 'busy' AS last_was_busy,
       coalesce(d.last_attempt_no, 0) AS last_attempt_no, d.started,
       -- When a part of the day or a rest after another campaign of the seller is to be kept.
       cl.rotate_from, (SELECT config -> 'schedule' FROM version) AS schedule,
       (SELECT config ->> 'policy' FROM version) AS profile,
       d.last_elsewhere + (SELECT make_interval(
           days => (config -> 'retries' ->> 'cool_down_days')::int) FROM version) AS cool_until,
       c.state = 'running' AS running
FROM campaign_leads cl
JOIN campaigns c ON c.id = cl.campaign_id
JOIN leads l ON l.id = cl.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
JOIN numbers n ON n.id = cl.number_id
-- Found by the number alone: what else is asked of its dials stands in filters, so that no plan
-- walks over all dials of the campaign for each lead.
CROSS JOIN LATERAL (
    SELECT array_agg(a.intended_at ORDER BY a.intended_at DESC) FILTER (
               WHERE (SELECT k.seller_id FROM campaigns k WHERE k.id = a.campaign_id) = c.seller_id
                 AND a.rehearsal = c.rehearsal
                 AND a.intended_at > %(now)s - interval '24 hours'
                 AND a.id IS DISTINCT FROM %(attempt_id)s
                 AND a.counts
           ) AS recent_dials,
           (array_agg(a.disposition ORDER BY a.intended_at DESC) FILTER (
               WHERE a.state = 'ended' AND a.counts
           ))[1] AS last_disposition,
           max(a.intended_at) FILTER (
               WHERE (SELECT k.seller_id FROM campaigns k WHERE k.id = a.campaign_id) = c.seller_id
                 AND a.campaign_id <> c.id AND a.rehearsal = c.rehearsal AND a.counts
           ) AS last_elsewhere,
           max(a.attempt_no) FILTER (
               WHERE a.campaign_id = cl.campaign_id AND a.lead_id = cl.lead_id) AS last_attempt_no,
           count(*) FILTER (
               WHERE a.campaign_id = cl.campaign_id AND a.lead_id = cl.lead_id) > 0 AS started
    FROM (SELECT x.*, coalesce(x.disposition, '') NOT IN ('not_dialed', 'failed_transient')
                      OR x.disposition = 'failed_transient' AND x.rang_at IS NOT NULL AS counts
          FROM attempts x WHERE x.number_id = cl.number_id) a) d
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = ANY(%(lead_ids)s)
ORDER BY cl.callback_at <= %(now)s DESC NULLS LAST, cl.priority DESC, cl.position

-- name: switches_on
SELECT kind, key FROM switches WHERE cleared_at IS NULL
