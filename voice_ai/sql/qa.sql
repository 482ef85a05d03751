-- name: conversations_of_day
-- What facts tell of the conversations that ended on a day (UTC), the newest first; with
-- :attempt_ids of those alone, whenever they ended.
SELECT a.attempt_id, a.campaign, a.lead_id, a.ended_at, a.disposition, a.end_reason, v.script,
       v.script_name, coalesce(v.config->>'transport', 'media_streams') AS transport,
       extract(epoch FROM a.ended_at - a.answered_at)::float AS seconds,
       cl.priority AS value,
       EXISTS (SELECT FROM call_events e WHERE e.attempt_id = a.attempt_id AND e.month = t.month
               AND e.kind = 'opt_out_heard') AS opted_out,
       EXISTS (SELECT FROM suppressions s WHERE s.number_id = t.number_id) AS suppressed,
       EXISTS (SELECT FROM attempts o JOIN campaigns oc ON oc.id = o.campaign_id
               WHERE o.number_id = t.number_id AND oc.seller_id = c.seller_id
                 AND o.intended_at > a.ended_at AND o.sent_at IS NOT NULL) AS dialed_after,
       (SELECT bool_and(d.allow) FROM decisions d WHERE d.lead_id = a.lead_id
        AND d.attempt_id = a.attempt_id) AS allowed,
       EXISTS (SELECT FROM decisions d WHERE d.lead_id = a.lead_id AND d.attempt_id = a.attempt_id
               AND EXISTS (SELECT FROM unnest(d.reasons) r WHERE r LIKE 'HOURS%%'))
           AS refused_hours,
       EXISTS (SELECT FROM model_predictions p WHERE p.attempt_id = a.attempt_id
               AND p.task = 'emotion' AND p.label IN ('anger', 'sadness', 'fear', 'disgust'))
           AS negative
FROM v_attempts a
JOIN attempts t ON t.id = a.attempt_id
JOIN campaigns c ON c.id = a.campaign_id
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
LEFT JOIN campaign_leads cl ON cl.campaign_id = a.campaign_id AND cl.lead_id = a.lead_id
WHERE a.state = 'ended' AND a.conversed AND a.rehearsal = %(rehearsal)s
  AND CASE WHEN %(attempt_ids)s::uuid[] IS NULL
           THEN a.ended_at >= %(day)s::date AND a.ended_at < %(day)s::date + 1
           ELSE a.attempt_id = ANY(%(attempt_ids)s) END
ORDER BY a.ended_at DESC, a.attempt_id LIMIT %(most)s

-- name: turns_of_day
SELECT attempt_id, speaker, node, text, heard_fraction, response_ms
FROM v_turns WHERE attempt_id = ANY(%(attempt_ids)s) ORDER BY attempt_id, turn_index

-- name: last_day
-- The newest day (UTC) with a conversation.
SELECT max(a.ended_at)::date AS day FROM v_attempts a
WHERE a.state = 'ended' AND a.conversed AND a.rehearsal = %(rehearsal)s

-- name: insert_score
INSERT INTO qa_scores (attempt_id, scorer, scored_by, card, card_version, gates, scores, total,
    passed, note, scored_at)
VALUES (%(attempt_id)s, %(scorer)s, %(scored_by)s, %(card)s, %(card_version)s, %(gates)s,
    %(scores)s, %(total)s, %(passed)s, %(note)s, %(scored_at)s)
RETURNING id

-- name: scores_of
-- The newest score of each scorer.
SELECT DISTINCT ON (attempt_id, scorer, scored_by) attempt_id, scorer, scored_by, card,
       card_version, gates, scores, total, passed, note, scored_at
FROM qa_scores WHERE attempt_id = ANY(%(attempt_ids)s)
ORDER BY attempt_id, scorer, scored_by, id DESC

-- name: scored_twice
-- The newest scores of calls that more than one scorer judged with the same card.
WITH newest AS (
    SELECT DISTINCT ON (attempt_id, scorer, scored_by) attempt_id, scorer, scored_by, gates, id
    FROM qa_scores WHERE card = %(card)s AND card_version = %(card_version)s
    ORDER BY attempt_id, scorer, scored_by, id DESC)
SELECT one.attempt_id, one.scorer AS scorer, two.scorer AS other, one.gates, two.gates AS others
FROM newest one JOIN newest two ON two.attempt_id = one.attempt_id
    AND (one.scorer, one.scored_by) < (two.scorer, two.scored_by)
ORDER BY one.attempt_id, one.id, two.id
