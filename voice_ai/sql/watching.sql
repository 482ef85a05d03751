-- name: versions_heard
-- Versions that answered in calls that ended since, the one heard last first within its task.
-- Keywords and answers without a score (the fallback) are no model's own word.
SELECT p.task, p.model_name, p.model_version, count(*) AS turns, max(a.ended_at) AS latest
FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
WHERE a.state = 'ended' AND a.ended_at > %(since)s AND a.ended_at <= %(until)s
  AND a.rehearsal = %(rehearsal)s AND p.score IS NOT NULL AND p.task = ANY(%(tasks)s)
GROUP BY 1, 2, 3 ORDER BY p.task, latest DESC, p.model_version DESC

-- name: newest_turns
-- The newest answers of a version, at most so many.
WITH newest AS (
    SELECT a.ended_at, p.attempt_id, p.turn_index, p.label, p.score
    FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
    WHERE a.state = 'ended' AND a.ended_at > %(since)s AND a.ended_at <= %(until)s
      AND a.rehearsal = %(rehearsal)s AND p.score IS NOT NULL
      AND p.task = %(task)s AND p.model_version = %(version)s AND p.model_name = %(model)s
    ORDER BY a.ended_at DESC, a.id DESC, p.turn_index DESC LIMIT %(most)s)
SELECT dense_rank() OVER (ORDER BY n.ended_at, n.attempt_id)::int AS call, n.label, n.score,
       CASE WHEN btrim(t.text_redacted) <> ''
            THEN cardinality(regexp_split_to_array(btrim(t.text_redacted), '\s+')) END AS words
FROM newest n LEFT JOIN turns t ON t.attempt_id = n.attempt_id AND t.index = n.turn_index
ORDER BY n.ended_at, n.attempt_id, n.turn_index

-- name: first_turns
-- The first answers of a version since a moment; fewer than asked for: it has not said more.
WITH first AS (
    SELECT a.ended_at, p.attempt_id, p.turn_index, p.label, p.score
    FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
    WHERE a.state = 'ended' AND a.ended_at > %(since)s AND a.ended_at <= %(until)s
      AND a.rehearsal = %(rehearsal)s AND p.score IS NOT NULL
      AND p.task = %(task)s AND p.model_version = %(version)s AND p.model_name = %(model)s
    ORDER BY a.ended_at, a.id, p.turn_index LIMIT %(most)s)
SELECT f.label, f.score, f.ended_at,
       CASE WHEN btrim(t.text_redacted) <> ''
            THEN cardinality(regexp_split_to_array(btrim(t.text_redacted), '\s+')) END AS words
FROM first f LEFT JOIN turns t ON t.attempt_id = f.attempt_id AND t.index = f.turn_index
ORDER BY f.ended_at, f.attempt_id, f.turn_index

-- name: newest_texts
-- What people said in the newest calls, without names and numbers.
SELECT t.text_redacted AS text FROM attempts a
JOIN turns t ON t.attempt_id = a.id AND t.speaker = 'caller'
WHERE a.state = 'ended' AND a.ended_at > %(since)s AND a.ended_at <= %(until)s
  AND a.rehearsal = %(rehearsal)s AND t.text_redacted IS NOT NULL
ORDER BY a.ended_at DESC, a.id DESC, t.index DESC LIMIT %(most)s

-- name: missing
-- Caller turns with words, and those that no model answered for, by task.
SELECT k.task, count(*) AS turns,
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM model_predictions p WHERE p.attempt_id = t.attempt_id
           AND p.turn_index = t.index AND p.task = k.task AND p.model_name <> 'keywords'))
           AS missing
FROM attempts a
JOIN turns t ON t.attempt_id = a.id AND t.speaker = 'caller'
CROSS JOIN unnest(%(tasks)s::text[]) AS k(task)
WHERE a.state = 'ended' AND a.ended_at > %(since)s AND a.ended_at <= %(until)s
  AND a.rehearsal = %(rehearsal)s AND btrim(t.text_redacted) <> ''
GROUP BY k.task ORDER BY k.task

-- name: reference_of
SELECT reference, until FROM model_references
WHERE task = %(task)s AND model_version = %(version)s AND rehearsal = %(rehearsal)s

-- name: keep_reference
INSERT INTO model_references (task, model_version, rehearsal, reference, until, made_at)
VALUES (%(task)s, %(version)s, %(rehearsal)s, %(reference)s, %(until)s, %(now)s)
ON CONFLICT (task, model_version, rehearsal) DO NOTHING

-- name: first_measured
-- The first day on which a version was measured.
SELECT min(day) AS day FROM model_watch
WHERE task = %(task)s AND model_version = %(version)s AND rehearsal = %(rehearsal)s

-- name: lock
SELECT pg_advisory_xact_lock(hashtext('voice_ai model_watch'))

-- name: clear_day
DELETE FROM model_watch WHERE day = %(day)s AND rehearsal = %(rehearsal)s

-- name: insert_measures
INSERT INTO model_watch (day, rehearsal, task, model_version, measure, value, low, high, n,
    verdict, reference, detail, made_at)
SELECT %(day)s, %(rehearsal)s, m.task, m.model_version, m.measure, m.value, m.low, m.high, m.n,
       m.verdict, m.reference, m.detail, %(now)s
FROM jsonb_to_recordset(%(measures)s) AS m(task text, model_version text, measure text,
    value float8, low float8, high float8, n int, verdict text, reference text, detail jsonb)

-- name: newest
-- The measures of the newest measured day, the worst first within a task.
SELECT day, rehearsal, task, model_version, measure, value, low, high, n, verdict, reference,
       detail, made_at
FROM model_watch
WHERE rehearsal = %(rehearsal)s
  AND day = (SELECT max(day) FROM model_watch WHERE rehearsal = %(rehearsal)s)
ORDER BY task, model_version DESC,
         array_position(ARRAY['act','watch','stable','too_few'], verdict), measure

-- name: history
SELECT day, task, model_version, measure, value, low, high, n, verdict, reference
FROM model_watch
WHERE rehearsal = %(rehearsal)s AND task = %(task)s AND day > %(since)s
ORDER BY day, model_version, measure

-- name: raise_alert
-- One open row for a name; it counts the days on which the watch said so.
WITH told AS (
    UPDATE alerts SET summary = %(summary)s,
        count = (SELECT count(DISTINCT w.day) FROM model_watch w
                 WHERE w.verdict = 'act' AND w.task = %(task)s AND w.rehearsal = %(rehearsal)s
                   AND w.day >= (alerts.raised_at AT TIME ZONE 'UTC')::date)
    WHERE name = %(name)s AND cleared_at IS NULL RETURNING id)
INSERT INTO alerts (name, severity, summary, count, raised_at)
SELECT %(name)s, 'ticket', %(summary)s, 1, %(now)s WHERE NOT EXISTS (SELECT FROM told)

-- name: clear_alerts
-- Those of a task, but not the one that is named.
UPDATE alerts SET cleared_at = %(now)s
WHERE cleared_at IS NULL AND starts_with(name, %(prefix)s)
  AND name IS DISTINCT FROM %(kept)s

-- name: labelled
-- Drawn turns of the weeks since, with every standing label.
SELECT s.id, s.task, s.week, s.model_version, s.predicted, s.score, s.weight, s.stratum,
       l.labeller, l.label, l.decides
FROM label_samples s
JOIN attempts a ON a.id = s.attempt_id
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
JOIN turn_labels l ON l.sample_id = s.id AND l.withdrawn_at IS NULL
WHERE s.rehearsal = %(rehearsal)s AND s.week >= %(since)s
ORDER BY s.task, s.id, l.id
