-- name: add
INSERT INTO consents (number_id, seller_id, kind, purpose, channel, evidence, obtained_at,
    expires_at)
VALUES (%(number_id)s, %(seller_id)s, %(kind)s, %(purpose)s, %(channel)s, %(evidence)s,
    %(obtained_at)s, %(expires_at)s)
RETURNING id

-- name: open_of
-- Consents that a revocation takes back.
SELECT count(*) AS count FROM consents
WHERE number_id = %(number_id)s AND revoked_at IS NULL
  AND (%(seller_id)s::uuid IS NULL OR seller_id = %(seller_id)s)
