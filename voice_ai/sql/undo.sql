-- name: lock_run
SELECT id, file_name, undone_at FROM import_runs WHERE id = %(run_id)s FOR UPDATE

-- name: hold_standings
-- No claim begins on these leads while the import is being taken back.
SELECT cl.lead_id FROM campaign_leads cl JOIN leads l ON l.id = cl.lead_id
WHERE l.run_id = %(run_id)s ORDER BY cl.campaign_id, cl.lead_id FOR UPDATE OF cl

-- name: in_use
-- Leads of the import that are more than a row of a file.
SELECT count(*) FILTER (WHERE calling) AS calling, count(*) FILTER (WHERE dialed) AS dialed,
       count(*) FILTER (WHERE decided) AS decided, count(*) FILTER (WHERE assigned) AS assigned
FROM (SELECT EXISTS (SELECT FROM campaign_leads cl WHERE cl.lead_id = l.id
                     AND cl.state = 'calling') AS calling,
             EXISTS (SELECT FROM attempts a WHERE a.lead_id = l.id) AS dialed,
             EXISTS (SELECT FROM decisions d WHERE d.lead_id = l.id) AS decided,
             EXISTS (SELECT FROM assignments x WHERE x.lead_id = l.id) AS assigned
      FROM leads l WHERE l.run_id = %(run_id)s) x

-- name: delete_scores
DELETE FROM lead_scores s USING leads l WHERE l.id = s.lead_id AND l.run_id = %(run_id)s

-- name: delete_standings
DELETE FROM campaign_leads cl USING leads l WHERE l.id = cl.lead_id AND l.run_id = %(run_id)s

-- name: delete_leads
DELETE FROM leads WHERE run_id = %(run_id)s

-- name: mark_undone
UPDATE import_runs SET undone_at = %(now)s WHERE id = %(run_id)s
