-- name: in_force
SELECT item, country, amount, currency, valid_from FROM prices
WHERE valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)
ORDER BY item, country NULLS FIRST, valid_from

-- name: price_since
-- A price that says, at any moment since then, what the new one would say.
SELECT 1 AS found FROM prices
WHERE item = %(item)s AND (country IS NULL OR country = %(country)s)
  AND (valid_to IS NULL OR valid_to > %(begins)s) LIMIT 1

-- name: end_price
-- The one before ends where the new one begins; what was costed with it stays as it is.
UPDATE prices SET valid_to = %(begins)s
WHERE item = %(item)s AND country IS NOT DISTINCT FROM %(country)s
  AND valid_from <= %(begins)s AND (valid_to IS NULL OR valid_to > %(begins)s)

-- name: begin_price
INSERT INTO prices (item, country, amount, currency, valid_from)
VALUES (%(item)s, %(country)s, %(amount)s, %(currency)s, %(begins)s)
