-- name: number_of_lead
-- The number of a lead and the seller of its list.
SELECT l.number_id, ll.seller_id, s.name AS seller
FROM leads l JOIN lead_lists ll ON ll.id = l.list_id JOIN sellers s ON s.id = ll.seller_id
WHERE l.id = %(lead_id)s

-- name: number_by_fingerprint
SELECT id FROM numbers WHERE fingerprint = %(fingerprint)s

-- name: seller_by_name
SELECT id, name FROM sellers WHERE name = %(name)s

-- name: seller_names
SELECT name FROM sellers ORDER BY name LIMIT 20

-- name: leads_of_number
SELECT l.id AS lead_id FROM leads l WHERE l.number_id = %(number_id)s ORDER BY l.id

-- name: lists
-- What each list holds, as its imports counted it.
SELECT ll.id, ll.name, s.name AS seller, ll.rehearsal, ll.consent_kind, ll.consent_attested_by,
       ll.created_at,
       (SELECT coalesce(sum(r.rows_accepted), 0)::bigint FROM import_runs r
        WHERE r.list_id = ll.id AND r.undone_at IS NULL) AS leads,
       (SELECT count(*) FROM import_runs r WHERE r.list_id = ll.id) AS imports,
       (SELECT count(DISTINCT l.id) FROM suppressions x JOIN leads l ON l.number_id = x.number_id
        WHERE l.list_id = ll.id AND (x.scope = 'all' OR x.seller_id = ll.seller_id)) AS suppressed,
       ARRAY(SELECT c.name FROM campaigns c WHERE c.list_id = ll.id ORDER BY c.created_at)
           AS campaigns
FROM lead_lists ll JOIN sellers s ON s.id = ll.seller_id
ORDER BY ll.created_at DESC, ll.name

-- name: imports
-- The newest first; all of them, or those of one list.
SELECT r.id AS run_id, ll.id AS list_id, ll.name AS list, s.name AS seller, r.file_name AS file,
       r.rows_read AS rows, r.rows_accepted AS accepted, r.rows_rejected AS rejected,
       r.finished_at, r.undone_at, r.report
FROM import_runs r JOIN lead_lists ll ON ll.id = r.list_id JOIN sellers s ON s.id = ll.seller_id
WHERE %(list_id)s::uuid IS NULL OR r.list_id = %(list_id)s
ORDER BY r.finished_at DESC, r.id LIMIT %(limit)s

-- name: rejects
-- Refused rows as they may be shown: values masked.
SELECT line, field, reason, explanation, value_masked FROM import_rejects
WHERE run_id = %(run_id)s AND (%(reason)s::text IS NULL OR reason = %(reason)s)
ORDER BY line, id LIMIT %(limit)s OFFSET %(offset)s

-- name: find_run
SELECT r.id AS run_id, ll.name AS list, r.file_name AS file, r.rows_rejected AS rejected,
       r.undone_at, r.report
FROM import_runs r JOIN lead_lists ll ON ll.id = r.list_id WHERE r.id = %(run_id)s

-- name: lead
-- One lead, without its number and its name.
SELECT l.id AS lead_id, l.number_id, l.list_id, ll.name AS list, ll.seller_id, s.name AS seller,
       l.run_id, r.file_name AS file, l.line, l.zones, l.states, l.country, l.created_at,
       ll.consent_kind, ll.consent_attested_by, ll.consent_attested_at, ll.rehearsal,
       right(n.person_key::text, 6) AS person, n.line_type, n.erased_at
FROM leads l JOIN lead_lists ll ON ll.id = l.list_id JOIN sellers s ON s.id = ll.seller_id
JOIN import_runs r ON r.id = l.run_id JOIN numbers n ON n.id = l.number_id
WHERE l.id = %(lead_id)s

-- name: siblings
-- Every lead with the same number: on which lists, from which files.
SELECT l.id AS lead_id, ll.name AS list, s.name AS seller, r.file_name AS file, l.line,
       l.created_at
FROM leads l JOIN lead_lists ll ON ll.id = l.list_id JOIN sellers s ON s.id = ll.seller_id
JOIN import_runs r ON r.id = l.run_id
WHERE l.number_id = %(number_id)s ORDER BY l.created_at DESC, l.id LIMIT 200

-- name: standings
-- Where the number's leads stand in campaigns.
SELECT cl.lead_id, cl.campaign_id, c.name AS campaign, c.state AS campaign_state, cl.state,
       cl.attempts, cl.next_allowed_at, cl.callback_at, cl.callback_by, cl.callback_noted_at,
       cl.disposition, cl.updated_at
FROM campaign_leads cl JOIN campaigns c ON c.id = cl.campaign_id
JOIN leads l ON l.id = cl.lead_id
WHERE l.number_id = %(number_id)s ORDER BY cl.updated_at DESC LIMIT 200

-- name: decisions
SELECT d.id AS decision_id, d.lead_id, c.name AS campaign, d.allow, d.stage, d.reasons,
       d.policy_hash, d.next_allowed_at, d.decided_at, d.attempt_id
FROM decisions d JOIN campaigns c ON c.id = d.campaign_id JOIN leads l ON l.id = d.lead_id
WHERE l.number_id = %(number_id)s ORDER BY d.id DESC LIMIT 500

-- name: attempts
SELECT a.id AS attempt_id, a.lead_id, c.name AS campaign, a.attempt_no, a.state, a.disposition,
       a.end_reason, a.intended_at, a.answered_at, a.ended_at
FROM attempts a JOIN campaigns c ON c.id = a.campaign_id
WHERE a.number_id = %(number_id)s ORDER BY a.intended_at DESC LIMIT 500

-- name: suppressions
SELECT x.id, x.scope, s.name AS seller, c.name AS campaign, x.source, x.reason, x.attempt_id,
       x.created_at
FROM suppressions x LEFT JOIN sellers s ON s.id = x.seller_id
LEFT JOIN campaigns c ON c.id = x.campaign_id
WHERE x.number_id = %(number_id)s ORDER BY x.id DESC LIMIT 200

-- name: consents
SELECT o.id, s.name AS seller, o.kind, o.purpose, o.channel, o.obtained_at, o.expires_at,
       o.revoked_at
FROM consents o JOIN sellers s ON s.id = o.seller_id
WHERE o.number_id = %(number_id)s ORDER BY o.obtained_at DESC LIMIT 200
