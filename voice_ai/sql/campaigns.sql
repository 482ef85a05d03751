-- name: upsert_seller
INSERT INTO sellers (name, legal_name, rehearsal, created_at)
VALUES (%(name)s, %(legal_name)s, %(rehearsal)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET legal_name = excluded.legal_name
RETURNING id, rehearsal

-- name: find_list
SELECT id, rehearsal FROM lead_lists WHERE seller_id = %(seller_id)s AND name = %(name)s

-- name: list_names
SELECT name FROM lead_lists WHERE seller_id = %(seller_id)s ORDER BY name LIMIT 20

-- name: insert_campaign
INSERT INTO campaigns (seller_id, name, state, version, list_id, rehearsal, max_leads, created_at,
    state_since)
VALUES (%(seller_id)s, %(name)s, 'draft', 1, %(list_id)s, %(rehearsal)s, %(max_leads)s, %(now)s,
    %(now)s)
ON CONFLICT (name) DO NOTHING
RETURNING id

-- name: insert_version
INSERT INTO campaign_versions (campaign_id, version, config, script, script_name, caller_ids,
    transfer_to, config_sha256, created_by, created_at)
VALUES (%(campaign_id)s, %(version)s, %(config)s, %(script)s, %(script_name)s, %(caller_ids)s,
    %(transfer_to)s, %(sha256)s, %(created_by)s, %(now)s)

-- name: lock_campaign
-- The campaign with its version in force: who revises it next waits here.
SELECT c.name, c.state, c.version, c.rehearsal, c.seller_id, s.name AS seller,
       s.callback_number_id, ll.name AS list, v.config_sha256, v.caller_ids,
       v.transfer_to
FROM campaigns c
JOIN sellers s ON s.id = c.seller_id
JOIN lead_lists ll ON ll.id = c.list_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.id = %(campaign_id)s FOR UPDATE OF c

-- name: put_in_force
UPDATE campaigns SET version = %(version)s, max_leads = %(max_leads)s WHERE id = %(campaign_id)s

-- name: versions
SELECT v.version, v.script_name, v.created_by, v.created_at, v.config_sha256,
       v.version = c.version AS in_force
FROM campaign_versions v JOIN campaigns c ON c.id = v.campaign_id
WHERE v.campaign_id = %(campaign_id)s ORDER BY v.version DESC

-- name: stored_version
-- One version, the one in force when none is named, with the sealed numbers that go with it. The
-- callback number is the seller's, so it is today's for every version.
SELECT v.version, v.config, v.script, v.script_name, v.created_by, v.created_at,
       c.name, s.name AS seller, s.legal_name, ll.name AS list, n.number_sealed AS callback_sealed,
       ARRAY(SELECT i.number_sealed FROM unnest(v.caller_ids) WITH ORDINALITY AS u(id, place)
             JOIN numbers i ON i.id = u.id ORDER BY u.place) AS caller_ids_sealed,
       ARRAY(SELECT i.number_sealed FROM unnest(v.transfer_to) WITH ORDINALITY AS u(id, place)
             JOIN numbers i ON i.id = u.id ORDER BY u.place) AS transfer_to_sealed
FROM campaign_versions v
JOIN campaigns c ON c.id = v.campaign_id
JOIN sellers s ON s.id = c.seller_id
JOIN lead_lists ll ON ll.id = c.list_id
LEFT JOIN numbers n ON n.id = s.callback_number_id
WHERE v.campaign_id = %(campaign_id)s AND v.version = coalesce(%(version)s::int, c.version)

-- name: enrol_leads
-- Every lead of the list; leads that are enrolled already stay as they are. The imports of a list
-- take turns, the first of each, then the second of each, so that a big one does not keep a small
-- one waiting. What is not scored counts as even; how fresh a lead is counts more
-- (voice_ai/priorities.py).
WITH ranked AS (
    SELECT l.id, l.number_id, l.run_id, l.position, l.created_at,
           row_number() OVER (PARTITION BY l.run_id ORDER BY l.position) AS place
    FROM leads l WHERE l.list_id = %(list_id)s)
INSERT INTO campaign_leads (campaign_id, lead_id, number_id, state, priority, position, attempts,
    updated_at)
SELECT %(campaign_id)s, l.id, l.number_id, 'ready',
       coalesce(s.priority, %(even)s + greatest(0, %(freshest)s - floor(log(2, 1 + greatest(0,
           extract(epoch FROM %(now)s - l.created_at) / 86400))))),
       row_number() OVER (ORDER BY l.place, l.position, l.id), 0, %(now)s
FROM ranked l
LEFT JOIN lead_scores s ON s.campaign_id = %(campaign_id)s AND s.lead_id = l.id
ON CONFLICT (campaign_id, lead_id) DO NOTHING

-- name: upsert_number
INSERT INTO numbers (fingerprint, number_sealed, key_id, country, line_type, zones, states,
    created_at)
VALUES (%(fingerprint)s, %(sealed)s, %(key_id)s, %(country)s, NULL, '{}', '{}', %(now)s)
ON CONFLICT (fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint
RETURNING id

-- name: say_callback_number
UPDATE sellers SET callback_number_id = %(number_id)s WHERE id = %(seller_id)s

-- name: own_caller_id
INSERT INTO caller_ids (number_id, seller_id, label, active, verified_at, country, states, standing,
    standing_since)
VALUES (%(number_id)s, %(seller_id)s, %(label)s, true, %(verified_at)s, %(country)s, %(states)s,
    'warming', %(verified_at)s)
ON CONFLICT (number_id) DO UPDATE SET number_id = excluded.number_id
RETURNING seller_id

-- name: list_campaigns
SELECT c.id, c.name, s.name AS seller, c.state, c.state_since, c.version, c.rehearsal, c.max_leads,
       count(cl.lead_id) AS leads,
       count(cl.lead_id) FILTER (WHERE cl.state = 'ready') AS ready,
       count(cl.lead_id) FILTER (WHERE cl.state = 'calling') AS calling,
       count(cl.lead_id) FILTER (WHERE cl.state = 'done') AS done
FROM campaigns c JOIN sellers s ON s.id = c.seller_id
LEFT JOIN campaign_leads cl ON cl.campaign_id = c.id
WHERE %(name)s::text IS NULL OR c.name = %(name)s
GROUP BY c.id, s.name ORDER BY c.created_at

-- name: outcome_counts
SELECT coalesce(a.disposition, a.state) AS outcome, count(*) AS n
FROM attempts a WHERE a.campaign_id = %(campaign_id)s GROUP BY 1 ORDER BY 2 DESC, 1
