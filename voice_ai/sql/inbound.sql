-- name: line_of
-- Whose number was reached: a caller id, or the number that a seller says in its calls.
SELECT n.id AS number_id, s.id AS seller_id, s.legal_name
FROM numbers n
LEFT JOIN caller_ids c ON c.number_id = n.id
LEFT JOIN sellers s ON s.id = coalesce(c.seller_id, (
    SELECT min(o.id::text)::uuid FROM sellers o WHERE o.callback_number_id = n.id
    HAVING count(*) = 1))
WHERE n.fingerprint = %(fingerprint)s

-- name: receive
-- The first word of a message or call; told again it changes nothing.
INSERT INTO inbound_contacts (carrier_sid, kind, number_id, caller_id_number, seller_id, heard,
    suppressed, text_sealed, received_at)
VALUES (%(sid)s, %(kind)s, %(number_id)s, %(caller_id_number)s, %(seller_id)s, %(heard)s, false,
    %(text_sealed)s, %(now)s)
ON CONFLICT (carrier_sid) DO NOTHING

-- name: hear
-- What a caller then said or pressed; a stop is never unsaid.
UPDATE inbound_contacts SET heard = CASE WHEN heard = 'stop' THEN heard ELSE %(heard)s END,
    number_id = coalesce(number_id, %(number_id)s),
    text_sealed = coalesce(%(text_sealed)s, text_sealed),
    suppressed = suppressed OR %(suppressed)s
WHERE carrier_sid = %(sid)s

-- name: answered
-- A call to the caller id was answered, and an opt-out offered.
UPDATE caller_ids SET inbound_ok_at = greatest(inbound_ok_at, %(now)s)
WHERE number_id = %(number_id)s

-- name: add_number
INSERT INTO numbers (fingerprint, number_sealed, key_id, zones, states, created_at)
VALUES (%(fingerprint)s, %(sealed)s, %(key_id)s, '{}', '{}', %(now)s)
ON CONFLICT (fingerprint) DO NOTHING

-- name: number_of
SELECT id FROM numbers WHERE fingerprint = %(fingerprint)s

-- name: limits
-- A webhook must be answered within seconds, also while an import holds what it needs.
SET LOCAL statement_timeout = '4s'
