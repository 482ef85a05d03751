-- name: ask
INSERT INTO preflights (id, campaign_id, command_id, asked_by, asked_at)
VALUES (gen_random_uuid(), %(campaign_id)s, %(command_id)s, %(by)s, %(now)s)
ON CONFLICT (command_id) DO NOTHING RETURNING id

-- name: waiting
-- One that was asked a moment ago by nobody's start: who asks meanwhile looks at the same.
SELECT id FROM preflights
WHERE campaign_id = %(campaign_id)s AND command_id IS NULL AND finished_at IS NULL
  AND asked_at > %(now)s - %(patience)s
ORDER BY asked_at DESC LIMIT 1

-- name: look
SELECT p.id, p.campaign_id, p.command_id, p.asked_by, p.asked_at, p.started_at, p.finished_at,
       p.light, p.checks
FROM preflights p WHERE p.id = %(id)s

-- name: of_command
SELECT id, asked_at, finished_at, light, checks FROM preflights WHERE command_id = %(command_id)s

-- name: latest
-- The newest of a campaign, finished or not; an unfinished one comes with nothing to show.
SELECT p.id, p.campaign_id, p.command_id, p.asked_by, p.asked_at, p.started_at, p.finished_at,
       p.light, p.checks
FROM preflights p
WHERE p.campaign_id = %(campaign_id)s AND (p.finished_at IS NOT NULL OR NOT %(finished)s)
ORDER BY p.asked_at DESC LIMIT 1

-- name: take
-- The oldest that nobody works at, or whose worker has not finished it in time.
UPDATE preflights p SET started_at = %(now)s
WHERE p.id = (
    SELECT q.id FROM preflights q JOIN campaigns c ON c.id = q.campaign_id
    WHERE q.finished_at IS NULL AND c.rehearsal = %(rehearsal)s
      AND (q.started_at IS NULL OR q.started_at < %(now)s - %(lease)s)
    ORDER BY q.asked_at LIMIT 1 FOR UPDATE OF q SKIP LOCKED)
RETURNING p.id, p.campaign_id, p.asked_at

-- name: finish
-- Only the first answer counts: a start may have given up waiting meanwhile.
UPDATE preflights SET finished_at = %(now)s, light = %(light)s, checks = %(checks)s
WHERE id = %(id)s AND finished_at IS NULL

-- name: overtaken
-- A later command that stops: a start that still waits must not undo it.
SELECT kind, asked_by FROM commands
WHERE id > %(id)s AND (campaign_id = %(campaign_id)s OR campaign_id IS NULL)
  AND kind IN ('pause', 'drain', 'stop', 'emergency_stop')
ORDER BY id LIMIT 1

-- name: campaign
-- A campaign in any state as `running_campaigns` gives a running one, and what else is checked.
SELECT c.id, c.name, c.state, c.max_leads, c.rehearsal, c.list_id, c.seller_id, v.version, v.config,
       v.script, v.script_name,
       ARRAY(SELECT i.number_id FROM caller_ids i
             WHERE i.number_id = ANY(v.caller_ids) AND i.active ORDER BY i.number_id) AS caller_ids,
       v.caller_ids AS all_caller_ids, 0 AS live,
       p.next_slot_at, p.ramp_step, p.ramp_since, p.held_until, p.throttle
FROM campaigns c JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
LEFT JOIN campaign_pace p ON p.campaign_id = c.id
WHERE c.id = %(campaign_id)s

-- name: imports
SELECT finished_at, rows_read AS rows, rows_accepted AS accepted, rows_rejected AS rejected,
       coalesce((report ->> 'duplicates')::bigint, 0) AS duplicates
FROM import_runs WHERE list_id = %(list_id)s AND undone_at IS NULL

-- name: ready_leads
SELECT count(*) AS ready FROM campaign_leads
WHERE campaign_id = %(campaign_id)s AND state = 'ready'

-- name: some_ready_leads
-- All ready leads, or as many of them as asked for: by a hash, so that none is more likely.
SELECT lead_id FROM campaign_leads
WHERE campaign_id = %(campaign_id)s AND state = 'ready'
ORDER BY hashint8extended(lead_id, 7) LIMIT %(most)s

-- name: caller_ids
SELECT i.number_id, i.label, i.active, i.standing, i.verified_at IS NOT NULL AS verified,
       i.inbound_ok_at, n.number_sealed
FROM caller_ids i JOIN numbers n ON n.id = i.number_id
WHERE i.number_id = ANY(%(numbers)s) ORDER BY i.number_id

-- name: recent_dials
-- The last hundred dials shown under each of these numbers.
SELECT i.number_id AS line, d.* FROM unnest(%(numbers)s::bigint[]) AS i(number_id)
CROSS JOIN LATERAL (
    SELECT a.intended_at AS at, f.answered, f.human_answered AS human, f.conversed,
           extract(epoch FROM a.ended_at - a.answered_at)::float8 AS talk_s
    FROM attempts a JOIN dispositions f ON f.code = a.disposition
    WHERE a.caller_id_number = i.number_id AND a.state = 'ended' AND f.reached_carrier
      AND a.rehearsal = %(rehearsal)s
    ORDER BY a.intended_at DESC LIMIT 100) d

-- name: pool
-- The seller's dials of the last two weeks: how often they are answered at all.
SELECT count(*) AS n, count(*) FILTER (WHERE f.answered) AS answered
FROM caller_ids i
JOIN attempts a ON a.caller_id_number = i.number_id
JOIN dispositions f ON f.code = a.disposition
WHERE i.seller_id = %(seller_id)s AND a.state = 'ended' AND f.reached_carrier
  AND a.rehearsal = %(rehearsal)s AND a.intended_at > %(now)s - interval '14 days'

-- name: switches
SELECT kind, key, reason, set_by FROM switches WHERE cleared_at IS NULL ORDER BY set_at

-- name: price
-- What a carrier minute costs now; an own price of the country comes before a general one.
SELECT amount, currency FROM prices
WHERE item = 'carrier_minute' AND (country IS NULL OR country = 'US')
  AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)
ORDER BY country NULLS LAST, valid_from DESC LIMIT 1

-- name: minutes
-- Whole carrier minutes of the campaign so far, as carriers bill them, and its leads dialed.
SELECT count(DISTINCT a.lead_id) AS leads, count(*) AS dials,
       sum(ceil(k.duration_s / 60))::float8 AS minutes
FROM attempts a JOIN calls k ON k.attempt_id = a.id
WHERE a.campaign_id = %(campaign_id)s AND a.state = 'ended'

-- name: experiment
-- Leads with an arm, and of the campaign's leads those dialed, reached and with a goal.
SELECT EXISTS (SELECT FROM experiments x
               WHERE x.id = %(experiment_id)s AND x.stopped_at IS NOT NULL) AS stopped,
       (SELECT count(*) FROM assignments s WHERE s.experiment_id = %(experiment_id)s) AS assigned,
       count(DISTINCT a.lead_id) AS dialed,
       count(DISTINCT a.lead_id) FILTER (WHERE f.answered) AS reached,
       count(DISTINCT a.lead_id) FILTER (WHERE f.goal) AS goals
FROM attempts a JOIN dispositions f ON f.code = a.disposition
WHERE a.campaign_id = %(campaign_id)s AND f.reached_carrier

-- name: limits
SELECT max_concurrent, calls_per_second FROM carrier_limits WHERE account = %(account)s

-- name: database
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
       current_setting('max_connections')::int AS most_connections,
       EXISTS (SELECT FROM call_events_default) AS stray_events

-- name: clock
SELECT clock_timestamp() AS now

-- name: recent_events
SELECT occurred_at, recorded_at FROM call_events
WHERE kind = 'call_ended' AND occurred_at > %(now)s - interval '5 minutes'
ORDER BY occurred_at DESC LIMIT 50
