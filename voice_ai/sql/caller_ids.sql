-- name: stand
-- Retired: nobody is called from it. Brought back: it warms up first. What a number was in before
-- is not kept here; who changed it is said in the log of the process that did.
UPDATE caller_ids SET active = %(active)s, standing = %(standing)s, standing_since = %(now)s,
    cool_until = NULL
WHERE number_id = %(number_id)s AND (active, standing) IS DISTINCT FROM (%(active)s, %(standing)s)
RETURNING label

-- name: find
SELECT label, active, standing FROM caller_ids WHERE number_id = %(number_id)s
