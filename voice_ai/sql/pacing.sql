-- name: account_limits
SELECT max_concurrent, calls_per_second, daily_spend, per_minute FROM carrier_limits
WHERE account = %(account)s

-- name: live_in_all
-- Calls of the account: to leads, and to colleagues who are asked to take one or have it.
SELECT (SELECT count(*) FROM attempts WHERE state <> 'ended' AND rehearsal = %(rehearsal)s)
     + (SELECT count(*) FROM transfers t JOIN attempts a ON a.id = t.attempt_id
        WHERE a.state <> 'ended' AND a.rehearsal = %(rehearsal)s AND t.status <> 'failed') AS live

-- name: caller_ids
-- Active numbers that no kill switch stops; dials and live calls are counted where a ceiling needs
-- them, through ix_attempts_caller_id_time.
SELECT i.number_id, i.country, i.states, i.standing, i.standing_since, i.cool_until,
       i.daily_ceiling, coalesce(c.dials, 0) AS dials, coalesce(c.live, 0) AS live
FROM caller_ids i
LEFT JOIN LATERAL (
    SELECT count(*) AS dials, count(*) FILTER (WHERE a.state <> 'ended') AS live FROM attempts a
    -- Said in here, so that nothing is counted of the others.
    WHERE i.number_id = ANY(%(counted)s) AND a.caller_id_number = i.number_id
      AND a.intended_at > %(now)s - interval '24 hours'
      AND coalesce(a.disposition, '') <> 'not_dialed') c ON true
WHERE i.number_id = ANY(%(numbers)s) AND i.active
  AND NOT EXISTS (SELECT FROM switches s WHERE s.kind = 'caller_id'
                  AND s.key = i.number_id::text AND s.cleared_at IS NULL)
ORDER BY i.number_id

-- name: last_shown
-- The number that each lead saw last in this campaign.
SELECT DISTINCT ON (a.lead_id) a.lead_id, a.caller_id_number FROM attempts a
WHERE a.lead_id = ANY(%(lead_ids)s) AND a.campaign_id = %(campaign_id)s
ORDER BY a.lead_id, a.intended_at DESC

-- name: begin_pace
-- From its first step; also when it is started anew.
INSERT INTO campaign_pace (campaign_id, next_slot_at, ramp_step, ramp_since)
SELECT id, %(now)s, 0, %(now)s FROM unnest(%(campaign_ids)s::uuid[]) AS id
ON CONFLICT (campaign_id) DO UPDATE SET ramp_step = 0, ramp_since = excluded.ramp_since,
    held_until = NULL, throttle = NULL
WHERE %(anew)s

-- name: move_campaign_pace
UPDATE campaign_pace p SET next_slot_at = m.next_at
FROM unnest(%(campaign_ids)s::uuid[], %(nexts)s::timestamptz[]) AS m(id, next_at)
WHERE p.campaign_id = m.id

-- name: wait_for_carrier
-- The carrier said that it queues or that we are too fast: the next dial of the account waits.
UPDATE carrier_pace SET next_slot_at = greatest(next_slot_at, %(until)s)
WHERE account = %(account)s

-- name: paced_campaigns
-- Running campaigns with their pace and what their version says; also when the first dial was.
SELECT c.id, c.rehearsal, v.config, v.caller_ids, p.ramp_step, p.ramp_since, p.held_until, p.throttle,
       (SELECT min(a.intended_at) FROM attempts a WHERE a.campaign_id = c.id) AS started_at,
       (SELECT count(*) FROM pace_changes h WHERE h.campaign_id = c.id AND h.kind = 'hold'
           AND h.at > %(now)s - %(memory)s::interval) AS holds
FROM campaigns c
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN campaign_pace p ON p.campaign_id = c.id
WHERE c.state = 'running' AND c.rehearsal = %(rehearsal)s

-- name: seen_since
-- What the ramp's gates look at. A dial that we ourselves held back is not the carrier's failure.
SELECT count(*) FILTER (WHERE a.disposition <> 'not_dialed' OR a.end_reason LIKE 'carrier\_%%')
           AS dials,
       count(*) FILTER (WHERE a.disposition = 'failed_transient'
           OR a.disposition = 'not_dialed' AND a.end_reason LIKE 'carrier\_%%') AS failed,
       count(*) FILTER (WHERE d.human_answered) AS answered,
       count(*) FILTER (WHERE a.disposition = 'abandoned'
           OR d.human_answered AND a.first_audio_ms > %(late_ms)s) AS abandoned,
       count(*) FILTER (WHERE d.conversed) AS conversed,
       count(*) FILTER (WHERE d.dnc) AS opt_outs,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY a.first_audio_ms)
           FILTER (WHERE d.human_answered) AS first_audio_p95_ms
FROM attempts a JOIN dispositions d ON d.code = a.disposition
WHERE a.campaign_id = %(campaign_id)s AND a.intended_at >= %(since)s AND a.state = 'ended'

-- name: answers
-- Abandoned of human-answered calls in three windows, through ix_attempts_answered; the last one
-- counts numbers of the United Kingdom only.
SELECT count(*) FILTER (WHERE t.at > %(now)s - interval '30 days') AS rolling_human,
       count(*) FILTER (WHERE t.lost AND t.at > %(now)s - interval '30 days') AS rolling_abandoned,
       count(*) FILTER (WHERE t.at >= %(period)s) AS period_human,
       count(*) FILTER (WHERE t.lost AND t.at >= %(period)s) AS period_abandoned,
       count(*) FILTER (WHERE t.uk AND t.at > %(now)s - interval '24 hours') AS uk_human,
       count(*) FILTER (WHERE t.uk AND t.lost AND t.at > %(now)s - interval '24 hours')
           AS uk_abandoned
FROM (SELECT a.answered_at AS at,
             a.disposition = 'abandoned' OR coalesce(a.first_audio_ms > %(late_ms)s, false) AS lost,
             %(uk)s AND (SELECT n.country = 'GB' FROM numbers n WHERE n.id = a.number_id) AS uk
      FROM attempts a JOIN dispositions d ON d.code = a.disposition AND d.human_answered
      WHERE a.campaign_id = %(campaign_id)s AND a.answered_at IS NOT NULL
        AND a.answered_at >= least(%(period)s, %(now)s - interval '30 days')) AS t

-- name: minutes
-- Started minutes of a campaign's ended calls, and its live calls.
SELECT coalesce(sum(ceil(k.duration_s / 60)), 0)::bigint AS ended,
       (SELECT count(*) FROM attempts a
        WHERE a.campaign_id = %(campaign_id)s AND a.state <> 'ended') AS live
FROM attempts a JOIN calls k ON k.attempt_id = a.id
WHERE a.campaign_id = %(campaign_id)s AND a.state = 'ended'

-- name: minutes_of_all
SELECT coalesce(sum(ceil(k.duration_s / 60)), 0)::bigint AS ended,
       (SELECT count(*) FROM attempts a
        WHERE a.state <> 'ended' AND a.rehearsal = %(rehearsal)s) AS live
FROM attempts a JOIN calls k ON k.attempt_id = a.id
WHERE a.state = 'ended' AND a.ended_at > %(now)s - interval '24 hours'
  AND a.rehearsal = %(rehearsal)s

-- name: set_pace
UPDATE campaign_pace SET ramp_step = %(ramp_step)s, ramp_since = %(ramp_since)s,
    held_until = %(held_until)s, throttle = %(throttle)s, judged_at = %(now)s
WHERE campaign_id = %(campaign_id)s

-- name: tell_change
INSERT INTO pace_changes (campaign_id, kind, subject, reason, figures, at)
VALUES (%(campaign_id)s, %(kind)s, %(subject)s, %(reason)s, %(figures)s, %(now)s)

-- name: caller_id_rates
-- Answered dials of the last hundred from each number of a campaign since it is in its standing, of
-- the newest of them, and of the campaign's other numbers; how often each was cooled lately.
SELECT i.number_id, i.country, i.states, i.standing, i.standing_since, i.cool_until,
       i.daily_ceiling, 0 AS dials, 0 AS live, r.*,
       sum(r.own_dials) OVER () - r.own_dials AS pool_dials,
       sum(r.own_answered) OVER () - r.own_answered AS pool_answered,
       (SELECT count(*) FROM pace_changes h WHERE h.subject = i.number_id AND h.kind = 'cool'
           AND h.at > %(now)s - interval '30 days') AS cooled
FROM caller_ids i
CROSS JOIN LATERAL (
    SELECT count(*) AS own_dials, count(*) FILTER (WHERE last.answered) AS own_answered,
           count(*) FILTER (WHERE last.place <= %(newest)s) AS new_dials,
           count(*) FILTER (WHERE last.place <= %(newest)s AND last.answered) AS new_answered
    FROM (SELECT a.answered_at IS NOT NULL AS answered,
                 row_number() OVER (ORDER BY a.intended_at DESC) AS place
          FROM attempts a
          WHERE a.caller_id_number = i.number_id AND a.state = 'ended'
            AND a.intended_at >= coalesce(i.standing_since, '-infinity')
            AND a.disposition NOT IN ('not_dialed', 'failed_transient', 'failed_permanent')
          ORDER BY a.intended_at DESC LIMIT 100) AS last) AS r
WHERE i.number_id = ANY(%(numbers)s) AND i.active

-- name: set_standing
UPDATE caller_ids SET standing = %(standing)s, standing_since = %(now)s, cool_until = %(until)s
WHERE number_id = %(number_id)s
