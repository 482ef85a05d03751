-- What a report tells beside the lake: each as it stood at a moment (`as_of`), of the thirty days
-- before it where it is about what happened.
-- name: open_alerts
SELECT a.name, a.severity, a.summary, a.raised_at, a.count, c.name AS campaign
FROM alerts a LEFT JOIN campaigns c ON c.id = a.campaign_id
WHERE a.raised_at <= %(as_of)s AND (a.cleared_at IS NULL OR a.cleared_at > %(as_of)s)
ORDER BY a.severity = 'page' DESC, a.raised_at DESC, a.id LIMIT 20

-- name: opt_outs
-- Suppressions by channel, and the seconds from the person's word to the row: in a call from the end
-- of what was said last before it, else from the message or call that came in.
SELECT s.source, count(*) AS n, count(w.said_at) AS timed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM s.created_at - w.said_at))
           AS median_s,
       max(extract(epoch FROM s.created_at - w.said_at))::float8 AS longest_s
FROM suppressions s
LEFT JOIN attempts a ON a.id = s.attempt_id
LEFT JOIN LATERAL (
    SELECT coalesce(
        (SELECT max(t.ended_at) FROM turns t
         WHERE t.attempt_id = s.attempt_id AND t.speaker = 'caller' AND t.ended_at <= s.created_at),
        (SELECT max(i.received_at) FROM inbound_contacts i
         WHERE s.attempt_id IS NULL AND s.source IN ('sms', 'inbound')
           AND i.number_id = s.number_id AND i.received_at <= s.created_at)) AS said_at) w ON true
WHERE s.created_at <= %(as_of)s AND s.created_at > %(as_of)s - interval '30 days'
  AND s.reason <> 'wrong_number'
  AND coalesce(a.rehearsal, (SELECT e.rehearsal FROM sellers e WHERE e.id = s.seller_id),
               %(rehearsal)s) = %(rehearsal)s
GROUP BY s.source ORDER BY n DESC, s.source

-- name: called_after_no
-- Dials to a number after its owner had said no, in the scope of that no. One is too many.
SELECT count(DISTINCT a.id) AS dials
FROM attempts a
JOIN dispositions f ON f.code = a.disposition AND f.reached_carrier
JOIN campaigns c ON c.id = a.campaign_id
JOIN suppressions s ON s.number_id = a.number_id AND s.created_at < a.intended_at
  AND (s.scope = 'all' OR (s.scope = 'seller' AND s.seller_id = c.seller_id)
       OR (s.scope = 'campaign' AND s.campaign_id = c.id))
WHERE a.rehearsal = %(rehearsal)s AND a.state = 'ended' AND a.ended_at <= %(as_of)s
  AND a.intended_at > %(as_of)s - interval '30 days'

-- name: opt_outs_not_kept
-- Dials that ended with a no and whose number no suppression names.
SELECT count(*) AS dials
FROM attempts a JOIN dispositions f ON f.code = a.disposition AND f.dnc
WHERE a.rehearsal = %(rehearsal)s AND a.state = 'ended' AND a.ended_at <= %(as_of)s
  AND a.intended_at > %(as_of)s - interval '30 days'
  AND NOT EXISTS (SELECT FROM suppressions s WHERE s.number_id = a.number_id)

-- name: lists
-- Lists that were dialed: the consent they rest on, and how old they are.
SELECT e.name AS seller, l.name AS list, l.consent_kind, l.consent_attested_by,
       l.consent_attested_at, l.created_at,
       (SELECT max(r.finished_at) FROM import_runs r
        WHERE r.list_id = l.id AND r.undone_at IS NULL AND r.finished_at <= %(as_of)s) AS imported_at,
       d.dials
FROM (SELECT c.list_id, count(*) AS dials
      FROM attempts a JOIN campaigns c ON c.id = a.campaign_id
      JOIN dispositions f ON f.code = a.disposition AND f.reached_carrier
      WHERE a.rehearsal = %(rehearsal)s AND a.state = 'ended' AND a.ended_at <= %(as_of)s
        AND a.intended_at > %(as_of)s - interval '30 days'
      GROUP BY 1) d
JOIN lead_lists l ON l.id = d.list_id JOIN sellers e ON e.id = l.seller_id
ORDER BY d.dials DESC, e.name, l.name

-- name: consents
-- Consents of single people: given, and taken back, by the moment.
SELECT k.kind, k.channel, count(*) AS given,
       count(*) FILTER (WHERE k.revoked_at <= %(as_of)s) AS taken_back,
       count(*) FILTER (WHERE k.expires_at <= %(as_of)s) AS expired
FROM consents k JOIN sellers e ON e.id = k.seller_id
WHERE k.obtained_at <= %(as_of)s AND e.rehearsal = %(rehearsal)s
GROUP BY 1, 2 ORDER BY given DESC, 1, 2

-- name: outside_lists
-- The newest version of each outside list that was loaded by the moment.
SELECT DISTINCT ON (source) source, country, rows, taken_at, loaded_at FROM list_snapshots
WHERE loaded_at <= %(as_of)s ORDER BY source, taken_at DESC, id DESC

-- name: switches
-- Switches that stopped calls at any time of the thirty days.
SELECT kind, key, reason, set_by, set_at,
       CASE WHEN cleared_at <= %(as_of)s THEN cleared_by END AS cleared_by,
       CASE WHEN cleared_at <= %(as_of)s THEN cleared_at END AS cleared_at
FROM switches
WHERE set_at <= %(as_of)s AND (cleared_at IS NULL OR cleared_at > %(as_of)s - interval '30 days')
ORDER BY set_at DESC, id DESC LIMIT 50

-- name: models_heard
-- Versions that answered in calls, by task.
SELECT p.task, p.model_name, p.model_version, count(*) AS answers,
       count(DISTINCT p.attempt_id) AS calls, max(a.ended_at) AS latest
FROM attempts a JOIN model_predictions p ON p.attempt_id = a.id
WHERE a.state = 'ended' AND a.rehearsal = %(rehearsal)s AND a.ended_at <= %(as_of)s
  AND a.ended_at > %(as_of)s - interval '30 days' AND p.score IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY p.task, answers DESC, p.model_version DESC

-- name: gates
-- The last judgement of each version.
SELECT DISTINCT ON (task, model_version) task, model_name, model_version, passed, checks, judged_at
FROM gate_results WHERE judged_at <= %(as_of)s
ORDER BY task, model_version, judged_at DESC, id DESC

-- name: rollouts
-- Candidates beside the champion, the newest first, each with its last step by the moment.
SELECT r.task, r.model_version, r.champion_version, s.decision, s.stage, s.share, s.why,
       s.decided_at, s.evidence
FROM rollouts r JOIN LATERAL (
    SELECT * FROM rollout_steps t WHERE t.rollout_id = r.id AND t.decided_at <= %(as_of)s
    ORDER BY t.decided_at DESC, t.id DESC LIMIT 1) s ON true
WHERE r.rehearsal = %(rehearsal)s ORDER BY s.decided_at DESC, r.id DESC LIMIT 20

-- name: agreement
-- Of turns that a candidate heard beside the champion: how many it heard alike.
SELECT p.task, p.model_version, p.champion_version, count(*) AS n,
       count(*) FILTER (WHERE p.label = p.champion_label) AS alike
FROM shadow_predictions p JOIN attempts a ON a.id = p.attempt_id
WHERE a.rehearsal = %(rehearsal)s AND p.predicted_at <= %(as_of)s
  AND p.predicted_at > %(as_of)s - interval '30 days' AND p.champion_label IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, n DESC, 2

-- name: watched
-- What the watch measured on its newest day.
SELECT w.day, w.task, w.model_version, w.measure, w.value, w.low, w.high, w.n, w.verdict, w.reference
FROM model_watch w
WHERE w.rehearsal = %(rehearsal)s AND w.made_at <= %(as_of)s
  AND w.day = (SELECT max(m.day) FROM model_watch m
               WHERE m.rehearsal = %(rehearsal)s AND m.made_at <= %(as_of)s)
ORDER BY w.task, w.model_version DESC,
         array_position(ARRAY['act','watch','stable','too_few'], w.verdict), w.measure

-- name: drift
-- The worst verdict of each task and day.
SELECT w.day, w.task, max(array_position(ARRAY['too_few','stable','watch','act'], w.verdict)) AS worst
FROM model_watch w
WHERE w.rehearsal = %(rehearsal)s AND w.made_at <= %(as_of)s
  AND w.day > (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date - 30
GROUP BY 1, 2 ORDER BY 2, 1

-- name: cost
-- What dials that had ended cost, where every part of it has a price; `unpriced` parts have none.
SELECT l.currency, sum(l.amount)::float8 AS amount,
       count(*) FILTER (WHERE l.amount IS NULL) AS unpriced
FROM cost_lines l JOIN attempts a ON a.id = l.attempt_id
WHERE a.campaign_id = %(campaign_id)s::uuid AND a.state = 'ended' AND a.ended_at <= %(as_of)s
GROUP BY l.currency ORDER BY amount DESC NULLS LAST

-- name: pace_changes
SELECT kind, reason, at, subject IS NOT NULL AS of_caller_id FROM pace_changes
WHERE campaign_id = %(campaign_id)s::uuid AND at <= %(as_of)s ORDER BY at DESC, id DESC LIMIT 10
