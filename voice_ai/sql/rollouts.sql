-- name: insert_shadows
-- What candidates said of turns beside the champion, many at once.
INSERT INTO shadow_predictions (attempt_id, turn_index, task, slot, model_name, model_version,
    label, score, champion_version, champion_label, champion_score, acted_on, predicted_at)
SELECT u.*, %(now)s
FROM unnest(%(attempt_ids)s::uuid[], %(turns)s::int[], %(tasks)s::text[], %(slots)s::text[],
    %(models)s::text[], %(versions)s::text[], %(labels)s::text[], %(scores)s::float8[],
    %(champion_versions)s::text[], %(champion_labels)s::text[], %(champion_scores)s::float8[],
    %(acted_on)s::bool[]) AS u

-- name: hold
-- One judge or command at a time; the lock falls with the connection.
SELECT pg_try_advisory_lock(hashtext('voice_ai rollouts')) AS held

-- name: wait_hold
SELECT pg_advisory_lock(hashtext('voice_ai rollouts'))

-- name: let_go
SELECT pg_advisory_unlock(hashtext('voice_ai rollouts'))

-- name: open_rollouts
SELECT * FROM rollouts WHERE ended_at IS NULL ORDER BY task

-- name: rollouts_of
-- The newest of a task first.
SELECT * FROM rollouts WHERE task = %(task)s ORDER BY id DESC LIMIT %(limit)s

-- name: steps_of
SELECT decision, stage, share, why, evidence, decided_by, decided_at FROM rollout_steps
WHERE rollout_id = %(id)s ORDER BY id

-- name: begin
INSERT INTO rollouts (task, model_name, model_version, champion_version, stage, share, campaigns,
    rehearsal, stage_since, started_by, started_at)
VALUES (%(task)s, %(model_name)s, %(version)s, %(champion_version)s, %(stage)s, %(share)s,
    %(campaigns)s, %(rehearsal)s, %(now)s, %(by)s, %(now)s)
RETURNING *

-- name: note_step
INSERT INTO rollout_steps
    (rollout_id, decision, stage, share, why, evidence, decided_by, decided_at)
VALUES (%(id)s, %(decision)s, %(stage)s, %(share)s, %(why)s, %(evidence)s, %(by)s, %(now)s)

-- name: move
UPDATE rollouts SET stage = %(stage)s, share = %(share)s, campaigns = %(campaigns)s,
    stage_since = %(now)s, standing = NULL, looked_at = NULL
WHERE id = %(id)s AND ended_at IS NULL RETURNING *

-- name: note_look
UPDATE rollouts SET looked_at = %(now)s, standing = %(standing)s WHERE id = %(id)s

-- name: finish
UPDATE rollouts SET outcome = %(outcome)s, why = %(why)s, ended_at = %(now)s
WHERE id = %(id)s AND ended_at IS NULL RETURNING *

-- name: compared
-- How often a candidate and the champion heard the same since it is at its stage.
SELECT count(DISTINCT s.attempt_id) AS calls, count(*) AS turns,
       count(*) FILTER (WHERE s.label IS DISTINCT FROM s.champion_label) AS differ
FROM shadow_predictions s JOIN attempts a ON a.id = s.attempt_id
WHERE s.task = %(task)s AND s.model_version = %(version)s AND s.predicted_at >= %(since)s
  AND a.rehearsal = %(rehearsal)s

-- name: disagreements
-- Where they part most often.
SELECT s.champion_label AS champion, s.label AS candidate, count(*) AS turns
FROM shadow_predictions s JOIN attempts a ON a.id = s.attempt_id
WHERE s.task = %(task)s AND s.model_version = %(version)s AND s.predicted_at >= %(since)s
  AND a.rehearsal = %(rehearsal)s AND s.label IS DISTINCT FROM s.champion_label
GROUP BY 1, 2 ORDER BY turns DESC, 1, 2 LIMIT %(most)s

-- name: arms
-- The calls of a canary by who answered, with what went wrong in them. A call counts on the side
-- it was on at its first heard turn, once it is over, and only when it was answered after :since.
WITH took AS (
    SELECT DISTINCT ON (p.attempt_id) p.attempt_id, p.slot
    FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
    WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.answered_at >= %(since)s
      AND a.rehearsal = %(rehearsal)s AND p.task = %(task)s AND p.slot IS NOT NULL
      AND (p.slot = 'champion' OR p.model_version = %(version)s)
    ORDER BY p.attempt_id, p.turn_index
), told AS (
    SELECT t.slot, coalesce(d.dnc, false) AS opted_out,
           a.end_reason = 'human_hangup'
               AND a.ended_at - a.answered_at < %(early_s)s * interval '1 second' AS early,
           w.worst_ms, w.worst_ms > %(slow_ms)s AS slow,
           (SELECT q.passed FROM qa_scores q WHERE q.attempt_id = a.id
            ORDER BY q.scorer = 'human' DESC, q.id DESC LIMIT 1) AS passed
    FROM took t JOIN attempts a ON a.id = t.attempt_id
    LEFT JOIN dispositions d ON d.code = a.disposition
    LEFT JOIN LATERAL (SELECT max(u.response_ms) AS worst_ms FROM turns u
                       WHERE u.attempt_id = a.id AND u.response_ms IS NOT NULL) w ON true
)
SELECT slot, count(*) AS calls,
       count(*) FILTER (WHERE opted_out) AS opt_out,
       count(*) FILTER (WHERE early) AS early_hang_up,
       count(*) FILTER (WHERE slow) AS slow_answer,
       count(*) FILTER (WHERE NOT passed) AS qa_failed,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY worst_ms) AS p95_ms
FROM told GROUP BY slot

-- name: unscored
-- Conversations of a canary that nobody's scorecard has judged yet.
SELECT DISTINCT a.id FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
JOIN dispositions d ON d.code = a.disposition AND d.conversed
WHERE a.state = 'ended' AND a.ended_at >= %(since)s AND a.answered_at >= %(since)s
  AND a.rehearsal = %(rehearsal)s AND p.task = %(task)s AND p.slot IS NOT NULL
  AND NOT EXISTS (SELECT FROM qa_scores q WHERE q.attempt_id = a.id)
LIMIT %(most)s
