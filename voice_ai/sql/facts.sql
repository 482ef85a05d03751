-- name: lead_facts
-- Everything that a decision needs, read in one statement; `attempt_id` is left out of the counts.
-- A dial that only the carrier failed at counts when it rang.
WITH version AS MATERIALIZED (
    SELECT v.config FROM campaigns c JOIN campaign_versions v
        ON v.campaign_id = c.id AND v.version = c.version
    WHERE c.id = %(campaign_id)s)
SELECT cl.lead_id, cl.number_id, cl.attempts, cl.next_allowed_at, cl.decision_key,
       l.zones || n.zones AS zones, coalesce(l.country, n.country) AS country,
       n.erased_at IS NOT NULL AS erased,
       ll.consent_kind IS NOT NULL AND (ll.consent_kind <> 'rehearsal' OR c.rehearsal)
       OR EXISTS (
           SELECT FROM consents k WHERE k.number_id = cl.number_id AND k.seller_id = c.seller_id
             AND k.revoked_at IS NULL AND k.obtained_at <= %(now)s
             AND (k.expires_at IS NULL OR k.expires_at > %(now)s)) AS consent,
       EXISTS (
           SELECT FROM suppressions s WHERE s.number_id = cl.number_id
             AND (s.scope = 'all' OR s.seller_id = c.seller_id OR s.campaign_id = c.id)
       ) AS suppressed,
       ARRAY(
           SELECT a.intended_at FROM attempts a JOIN campaigns k ON k.id = a.campaign_id
           WHERE a.number_id = cl.number_id AND k.seller_id = c.seller_id
             AND a.rehearsal = c.rehearsal AND a.intended_at > %(now)s - interval '24 hours'
             AND a.id IS DISTINCT FROM %(attempt_id)s
             AND (coalesce(a.disposition, '') NOT IN ('not_dialed', 'failed_transient')
                  OR a.disposition = 'failed_transient' AND a.rang_at IS NOT NULL)
           ORDER BY a.intended_at DESC) AS recent_dials,
       (SELECT a.disposition FROM attempts a
        WHERE a.number_id = cl.number_id AND a.state = 'ended'
          AND (a.disposition NOT IN ('not_dialed', 'failed_transient')
               OR a.disposition = 'failed_transient' AND a.rang_at IS NOT NULL)
        ORDER BY a.intended_at DESC LIMIT 1) IS NOT DISTINCT FROM 'busy' AS last_was_busy,
       (SELECT coalesce(max(a.attempt_no), 0) FROM attempts a
        WHERE a.campaign_id = cl.campaign_id AND a.lead_id = cl.lead_id
          AND a.number_id = cl.number_id) AS last_attempt_no,
       EXISTS (SELECT FROM attempts a WHERE a.campaign_id = cl.campaign_id
               AND a.lead_id = cl.lead_id) AS started,
       -- When a part of the day or a rest after another campaign of the seller is to be kept.
       cl.rotate_from, (SELECT config -> 'schedule' FROM version) AS schedule,
       (SELECT config ->> 'policy' FROM version) AS profile,
       (SELECT max(a.intended_at) + (SELECT make_interval(
                   days => (config -> 'retries' ->> 'cool_down_days')::int) FROM version)
        FROM attempts a JOIN campaigns k ON k.id = a.campaign_id
        WHERE a.number_id = cl.number_id AND k.seller_id = c.seller_id AND k.id <> c.id
          AND a.rehearsal = c.rehearsal
          AND (coalesce(a.disposition, '') NOT IN ('not_dialed', 'failed_transient')
               OR a.disposition = 'failed_transient' AND a.rang_at IS NOT NULL)) AS cool_until,
       c.state = 'running' AS running
FROM campaign_leads cl
JOIN campaigns c ON c.id = cl.campaign_id
JOIN leads l ON l.id = cl.lead_id
JOIN lead_lists ll ON ll.id = l.list_id
JOIN numbers n ON n.id = cl.number_id
WHERE cl.campaign_id = %(campaign_id)s AND cl.lead_id = ANY(%(lead_ids)s)
ORDER BY cl.callback_at <= %(now)s DESC NULLS LAST, cl.priority DESC, cl.position

-- name: switches_on
SELECT kind, key FROM switches WHERE cleared_at IS NULL
