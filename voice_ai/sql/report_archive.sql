-- name: keep
INSERT INTO report_archive (id, kind, title, campaign_id, rehearsal, as_of, lake_commit, facts, path,
    sha256, bytes, made_by, made_at)
VALUES (%(id)s, %(kind)s, %(title)s, %(campaign_id)s, %(rehearsal)s, %(as_of)s, %(lake_commit)s,
    %(facts)s, %(path)s, %(sha256)s, %(bytes)s, %(made_by)s, %(made_at)s)

-- name: recent
-- The newest first, without their facts.
SELECT r.id, r.kind, r.title, r.campaign_id, c.name AS campaign, r.rehearsal, r.as_of,
       r.lake_commit, r.path, r.sha256, r.bytes, r.made_by, r.made_at, r.sent_to, r.sent_at,
       r.send_error
FROM report_archive r LEFT JOIN campaigns c ON c.id = r.campaign_id
WHERE %(kind)s::text IS NULL OR r.kind = %(kind)s
ORDER BY r.made_at DESC, r.id LIMIT %(limit)s

-- name: look
-- By its id, or the beginning of it as a list shows it.
SELECT r.id, r.kind, r.title, r.campaign_id, c.name AS campaign, r.rehearsal, r.as_of,
       r.lake_commit, r.facts, r.path, r.sha256, r.bytes, r.made_by, r.made_at, r.sent_to, r.sent_at,
       r.send_error
FROM report_archive r LEFT JOIN campaigns c ON c.id = r.campaign_id
WHERE starts_with(r.id::text, %(key)s) ORDER BY r.made_at DESC, r.id LIMIT 2

-- name: sent
UPDATE report_archive SET sent_to = %(to)s, sent_at = %(now)s, send_error = NULL WHERE id = %(id)s

-- name: not_sent
-- An earlier success stays: it was sent then.
UPDATE report_archive SET send_error = %(error)s WHERE id = %(id)s
