-- name: in_force
SELECT item, country, amount, currency, valid_from FROM prices
WHERE valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)
ORDER BY item, country NULLS FIRST, valid_from

-- name: end_price
-- The one before ends where the new one begins; what was costed with it stays as it is.
UPDATE prices SET valid_to = %(now)s
WHERE item = %(item)s AND country IS NOT DISTINCT FROM %(country)s
  AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)

-- name: begin_price
INSERT INTO prices (item, country, amount, currency, valid_from)
VALUES (%(item)s, %(country)s, %(amount)s, %(currency)s, %(now)s)
