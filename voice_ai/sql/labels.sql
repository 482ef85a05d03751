-- name: strata
-- A week's caller turns by task, predicted label and band of the score; a turn belongs to the
-- week in which its call ended. Nobody who asked to be erased is listened to again.
SELECT p.label, width_bucket(p.score, %(bands)s::float8[]) AS band, count(*) AS turns
FROM attempts a
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
JOIN model_predictions p ON p.attempt_id = a.id
JOIN turns t ON t.attempt_id = p.attempt_id AND t.index = p.turn_index
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.ended_at < %(until)s
  AND a.rehearsal = %(rehearsal)s AND p.task = %(task)s AND p.score IS NOT NULL
  AND t.speaker = 'caller' AND btrim(t.text_redacted) <> ''
GROUP BY 1, 2 ORDER BY 1, 2

-- name: drawn
SELECT count(*) AS n FROM label_samples
WHERE task = %(task)s AND week = %(week)s AND rehearsal = %(rehearsal)s

-- name: draw
-- So many turns of each stratum, in an order that the seed fixes; the weight is how many turns of
-- its stratum one stands for.
WITH wanted AS (
    SELECT * FROM unnest(%(labels)s::text[], %(band_of)s::int[], %(takes)s::int[])
        AS w(label, band, take)
), turns_of_week AS (
    SELECT p.attempt_id, p.turn_index, p.label, p.score, p.model_name, p.model_version, w.band,
           w.take, count(*) OVER stratum AS size,
           md5(%(seed)s || p.attempt_id::text || ' ' || p.turn_index) AS chance,
           row_number() OVER (stratum ORDER BY
               md5(%(seed)s || p.attempt_id::text || ' ' || p.turn_index),
               p.attempt_id, p.turn_index) AS place
    FROM attempts a
    JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
    JOIN model_predictions p ON p.attempt_id = a.id
    JOIN turns t ON t.attempt_id = p.attempt_id AND t.index = p.turn_index
    JOIN wanted w ON w.label = p.label
        AND w.band = width_bucket(p.score, %(bands)s::float8[])
    WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.ended_at < %(until)s
      AND a.rehearsal = %(rehearsal)s AND p.task = %(task)s AND p.score IS NOT NULL
      AND t.speaker = 'caller' AND btrim(t.text_redacted) <> ''
    WINDOW stratum AS (PARTITION BY p.label, w.band)
)
INSERT INTO label_samples (task, week, rehearsal, attempt_id, turn_index, place, stratum, weight,
    model_name, model_version, predicted, score, drawn_at)
SELECT %(task)s, %(week)s, %(rehearsal)s, attempt_id, turn_index,
       row_number() OVER (ORDER BY md5(chance), attempt_id, turn_index), label || ' ' || band,
       size::float8 / least(take, size), model_name, model_version, label, score, %(now)s
FROM turns_of_week WHERE place <= take
ON CONFLICT DO NOTHING

-- name: weeks
-- Weeks with a sample, the newest first, with how many turns were drawn.
SELECT s.week, count(*) AS turns FROM label_samples s
JOIN attempts a ON a.id = s.attempt_id
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
WHERE s.task = %(task)s AND s.rehearsal = %(rehearsal)s
GROUP BY 1 ORDER BY 1 DESC

-- name: next_turn
-- The next turn for a labeller, with what the agent said before it; nothing of what the model or
-- the other labeller said. Skipped ones come last.
SELECT s.id, s.place, t.text_redacted AS text, t.node, before.text_redacted AS agent
FROM label_samples s
JOIN attempts a ON a.id = s.attempt_id
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
JOIN turns t ON t.attempt_id = s.attempt_id AND t.index = s.turn_index
LEFT JOIN LATERAL (
    SELECT b.text_redacted FROM turns b WHERE b.attempt_id = s.attempt_id
      AND b.index < s.turn_index AND b.speaker = 'agent' ORDER BY b.index DESC LIMIT 1) before
    ON true
WHERE s.task = %(task)s AND s.week = %(week)s AND s.rehearsal = %(rehearsal)s
  AND NOT EXISTS (SELECT FROM turn_labels l WHERE l.sample_id = s.id
                  AND l.labeller = %(labeller)s AND l.withdrawn_at IS NULL)
  AND (SELECT count(*) FROM turn_labels l WHERE l.sample_id = s.id
       AND NOT l.decides AND l.withdrawn_at IS NULL) < 2
ORDER BY s.id = ANY(%(skipped)s::bigint[]), s.place LIMIT 1

-- name: labels_of_week
-- Every drawn turn of a week with its standing labels; a turn without one has a row too.
SELECT s.id, s.place, t.text_redacted AS text, before.text_redacted AS agent, l.labeller, l.label,
       l.decides
FROM label_samples s
JOIN attempts a ON a.id = s.attempt_id
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
JOIN turns t ON t.attempt_id = s.attempt_id AND t.index = s.turn_index
LEFT JOIN LATERAL (
    SELECT b.text_redacted FROM turns b WHERE b.attempt_id = s.attempt_id
      AND b.index < s.turn_index AND b.speaker = 'agent' ORDER BY b.index DESC LIMIT 1) before
    ON true
LEFT JOIN turn_labels l ON l.sample_id = s.id AND l.withdrawn_at IS NULL
WHERE s.task = %(task)s AND s.week = %(week)s AND s.rehearsal = %(rehearsal)s
ORDER BY s.place, l.id

-- name: labels_of_task
-- Standing labels of all weeks with what was said. Whoever asked to be erased is not in it.
SELECT s.id, t.text_redacted AS text, l.labeller, l.label, l.decides
FROM label_samples s
JOIN attempts a ON a.id = s.attempt_id
JOIN numbers n ON n.id = a.number_id AND n.erased_at IS NULL
JOIN turns t ON t.attempt_id = s.attempt_id AND t.index = s.turn_index
JOIN turn_labels l ON l.sample_id = s.id AND l.withdrawn_at IS NULL
WHERE s.task = %(task)s AND s.rehearsal = %(rehearsal)s AND btrim(t.text_redacted) <> ''
ORDER BY s.week, s.place, l.id

-- name: lock_turn
SELECT pg_advisory_xact_lock(hashtext('voice_ai turn_labels'), hashtext(%(sample_id)s::text))

-- name: standing_of
SELECT labeller, label, decides FROM turn_labels
WHERE sample_id = %(sample_id)s AND withdrawn_at IS NULL ORDER BY id

-- name: task_of
SELECT task FROM label_samples WHERE id = %(sample_id)s

-- name: insert_label
INSERT INTO turn_labels (sample_id, labeller, label, decides, labelled_at)
VALUES (%(sample_id)s, %(labeller)s, %(label)s, %(decides)s, %(now)s)

-- name: withdraw_last
-- The labeller's newest standing label in a week's sample, unless a decision rests on it.
UPDATE turn_labels SET withdrawn_at = %(now)s
WHERE id = (SELECT l.id FROM turn_labels l JOIN label_samples s ON s.id = l.sample_id
            WHERE s.task = %(task)s AND s.week = %(week)s AND s.rehearsal = %(rehearsal)s
              AND l.labeller = %(labeller)s AND l.withdrawn_at IS NULL
              AND (l.decides OR NOT EXISTS (
                  SELECT FROM turn_labels d WHERE d.sample_id = l.sample_id AND d.decides
                  AND d.withdrawn_at IS NULL))
            ORDER BY l.id DESC LIMIT 1)
RETURNING sample_id
