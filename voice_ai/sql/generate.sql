-- name: taken_names
SELECT name FROM campaigns WHERE name = ANY(%(names)s) ORDER BY name LIMIT 1

-- name: hold_tables
-- Ids are counted on from the last one, so nobody may add a number or a lead in between.
LOCK TABLE numbers, leads IN SHARE ROW EXCLUSIVE MODE

-- name: last_ids
-- Also past what the sequences gave out to rows that are gone.
SELECT greatest((SELECT coalesce(max(id), 0) FROM numbers),
                (SELECT coalesce(last_value, 0) FROM pg_sequences
                 WHERE schemaname || '.' || sequencename = pg_get_serial_sequence('numbers', 'id')))
       + 1000 AS number,
       greatest((SELECT coalesce(max(id), 0) FROM leads),
                (SELECT coalesce(last_value, 0) FROM pg_sequences
                 WHERE schemaname || '.' || sequencename = pg_get_serial_sequence('leads', 'id')))
       AS lead

-- name: set_sequences
SELECT setval(pg_get_serial_sequence('numbers', 'id'), (SELECT max(id) FROM numbers)),
       setval(pg_get_serial_sequence('leads', 'id'), (SELECT max(id) FROM leads))

-- name: worker
INSERT INTO workers (kind, host, pid, lock_key, started_at, seen_at, stopped_at)
VALUES ('dialer', 'generated', 0, 0, %(now)s, %(now)s, %(now)s) RETURNING id

-- name: lead_list
INSERT INTO lead_lists (seller_id, name, consent_kind, consent_attested_by, consent_attested_at,
    rehearsal, created_at)
VALUES (%(seller_id)s, %(name)s, 'rehearsal', %(by)s, %(now)s, true, %(now)s)
ON CONFLICT (seller_id, name) DO UPDATE SET name = excluded.name RETURNING id

-- name: import_run
INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, mapping, report, rows_read,
    rows_accepted, rows_rejected, started_at, finished_at)
VALUES (%(list_id)s, 'generated', %(sha256)s, %(sha256)s, '{}', %(report)s, %(rows)s, %(rows)s, 0,
    %(now)s, %(now)s) RETURNING id

-- name: campaign
INSERT INTO campaigns (id, seller_id, name, state, version, list_id, rehearsal, created_at, state_since)
VALUES (%(id)s, %(seller_id)s, %(name)s, 'completed', 1, %(list_id)s, true, %(now)s, %(ended_at)s)

-- name: campaign_version
INSERT INTO campaign_versions (campaign_id, version, config, script, script_name, caller_ids,
    config_sha256, created_by, created_at)
VALUES (%(id)s, 1, %(config)s, %(script)s, %(script_name)s, %(caller_ids)s, %(sha256)s, %(by)s, %(now)s)

-- name: is_taken
SELECT c.number_id FROM caller_ids c JOIN numbers n ON n.id = c.number_id
WHERE n.fingerprint = %(fingerprint)s

-- name: caller_id
INSERT INTO caller_ids (number_id, seller_id, label, active, verified_at, standing, standing_since)
VALUES (%(id)s, %(seller_id)s, %(label)s, true, %(now)s, 'active', %(now)s)

-- name: experiment
INSERT INTO experiments (id, campaign_id, name, arms, started_at)
VALUES (%(id)s, %(campaign_id)s, %(name)s, %(arms)s, %(now)s)

-- name: price_unless_known
-- A price of the home's own stays the only one of its item.
INSERT INTO prices (item, amount, currency, valid_from, valid_to)
SELECT %(item)s, %(amount)s, %(currency)s, %(valid_from)s, %(valid_to)s
WHERE NOT EXISTS (SELECT FROM prices p WHERE p.item = %(item)s
                  AND p.valid_to IS DISTINCT FROM %(valid_from)s)

-- name: partition
SELECT ensure_event_partition(%(month)s)

-- name: suppress
INSERT INTO suppressions (number_id, scope, seller_id, source, reason, attempt_id, created_at)
SELECT number_id, 'seller', %(seller_id)s, 'call', disposition, id, ended_at FROM attempts
WHERE campaign_id = %(campaign_id)s AND disposition IN ('opt_out', 'wrong_number')

-- name: analyze
ANALYZE numbers, leads, campaign_leads, attempts, calls, call_events, turns, model_predictions,
    decisions, qa_scores, suppressions, assignments
