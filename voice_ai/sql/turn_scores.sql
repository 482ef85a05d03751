-- name: unscored
-- The next caller turns with words that the version has not scored yet, in the order of their key.
SELECT t.attempt_id, t.index AS turn_index, t.text_redacted AS text
FROM turns t JOIN attempts a ON a.id = t.attempt_id
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.rehearsal = %(rehearsal)s
  AND t.speaker = 'caller' AND btrim(t.text_redacted) <> ''
  AND (t.attempt_id, t.index) > (%(attempt_id)s::uuid, %(turn_index)s::int)
  AND NOT EXISTS (
      SELECT FROM turn_scores s WHERE s.attempt_id = t.attempt_id AND s.turn_index = t.index
      AND s.task = %(task)s AND s.model_version = %(version)s)
ORDER BY t.attempt_id, t.index LIMIT %(most)s

-- name: waiting
SELECT count(*) AS turns
FROM turns t JOIN attempts a ON a.id = t.attempt_id
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.rehearsal = %(rehearsal)s
  AND t.speaker = 'caller' AND btrim(t.text_redacted) <> ''

-- name: keep
INSERT INTO turn_scores
    (attempt_id, turn_index, task, model_version, model_name, label, score, scored_at)
SELECT u.attempt_id, u.turn_index, %(task)s, %(version)s, %(model)s, u.label, u.score, %(now)s
FROM unnest(%(attempts)s::uuid[], %(turns)s::int[], %(labels)s::text[], %(scores)s::float8[])
    AS u(attempt_id, turn_index, label, score)
ON CONFLICT DO NOTHING
