-- What Postgres counts where the lake is verified: the figures of pipelines/lake/verify.py, of every row
-- but those that changed after the commit.

-- name: attempts
SELECT to_char(v.intended_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, v.campaign_id, count(*) AS n,
       sum(v.reached_carrier::int) AS dials, sum(v.answered::int) AS answered,
       sum(v.human_answered::int) AS human_answered, sum(v.machine::int) AS machine,
       sum(v.conversed::int) AS conversed, sum(v.goal::int) AS goal,
       sum(v.opted_out::int) AS opted_out,
       sum((v.human_answered AND v.disposition IS DISTINCT FROM 'wrong_number' AND EXISTS (
           SELECT FROM turns t WHERE t.attempt_id = v.attempt_id AND t.speaker = 'caller'))::int)
           AS right_party,
       sum(extract(epoch FROM v.ended_at - v.answered_at))::float8 AS talk_s,
       sum(v.version) AS versions
FROM v_attempts v WHERE v.state = 'ended' AND v.attempt_id <> ALL(%(attempts)s::uuid[])
GROUP BY 1, 2

-- name: unique_leads
-- A lead that got so far counts once, however often it was dialed.
SELECT NULL AS month, v.campaign_id,
       count(DISTINCT lead_id) FILTER (WHERE reached_carrier) AS dialed,
       count(DISTINCT lead_id) FILTER (WHERE answered) AS answered,
       count(DISTINCT lead_id) FILTER (WHERE human_answered) AS human,
       count(DISTINCT lead_id) FILTER (WHERE human_answered
           AND disposition IS DISTINCT FROM 'wrong_number' AND EXISTS (
           SELECT FROM turns t WHERE t.attempt_id = v.attempt_id AND t.speaker = 'caller'))
           AS right_party,
       count(DISTINCT lead_id) FILTER (WHERE conversed) AS conversed,
       count(DISTINCT lead_id) FILTER (WHERE goal) AS goal
FROM v_attempts v WHERE v.state = 'ended' AND v.attempt_id <> ALL(%(attempts)s::uuid[])
GROUP BY 2

-- name: calls
SELECT to_char(a.intended_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, a.campaign_id, count(*) AS n,
       sum(k.duration_s) AS duration_s
FROM calls k JOIN attempts a ON a.id = k.attempt_id
WHERE a.state = 'ended' AND a.id <> ALL(%(attempts)s::uuid[])
GROUP BY 1, 2

-- name: turns
SELECT to_char(a.intended_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, a.campaign_id, count(*) AS n,
       sum((v.speaker = 'agent')::int) AS agent, sum(coalesce(v.interrupted, false)::int) AS
       interrupted, sum(length(v.text)) AS characters,
       sum(extract(epoch FROM v.ended_at - v.started_at))::float8 AS speech_s,
       count(v.intent) AS intents, count(v.emotion) AS emotions
FROM v_turns v JOIN attempts a ON a.id = v.attempt_id
WHERE a.state = 'ended' AND a.id <> ALL(%(attempts)s::uuid[])
GROUP BY 1, 2

-- name: events
SELECT to_char(a.intended_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, a.campaign_id, count(*) AS n,
       sum(e.seq) AS places, sum(length(e.payload::text)) AS characters,
       sum((e.kind = 'call_ended')::int) AS ended
FROM call_events e JOIN attempts a ON a.id = e.attempt_id
WHERE a.state = 'ended' AND a.id <> ALL(%(attempts)s::uuid[])
GROUP BY 1, 2

-- name: decisions
SELECT to_char(decided_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, campaign_id, count(*) AS n,
       sum(allow::int) AS allowed, sum(cardinality(reasons)) AS reasons
FROM decisions WHERE id <> ALL(%(decisions)s::bigint[])
GROUP BY 1, 2

-- name: decided_leads
SELECT NULL AS month, campaign_id, count(DISTINCT lead_id) AS n
FROM decisions WHERE id <> ALL(%(decisions)s::bigint[])
GROUP BY 2

-- name: leads
SELECT to_char(imported_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, NULL AS campaign_id,
       count(*) AS n, sum(suppressed::int) AS suppressed
FROM v_leads WHERE lead_id <> ALL(%(leads)s::bigint[])
GROUP BY 1

-- name: campaign_leads
SELECT NULL AS month, campaign_id, count(*) AS n FROM campaign_leads
WHERE campaign_id || '/' || lead_id <> ALL(%(members)s::text[])
GROUP BY 2

-- name: assignments
SELECT NULL AS month, x.campaign_id, count(*) AS n, count(DISTINCT arm) AS arms
FROM assignments a JOIN experiments x ON x.id = a.experiment_id
WHERE x.campaign_id || '/' || a.lead_id <> ALL(%(assigned)s::text[])
GROUP BY 2
