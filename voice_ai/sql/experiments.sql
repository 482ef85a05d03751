-- name: standing
-- What is known of a lead and the experiment before its call; the experiment may not be there yet.
SELECT x.id IS NOT NULL AS known, x.stopped_at IS NOT NULL AS stopped, x.winner,
       coalesce(x.harmful, '{}') AS harmful, a.arm,
       l.list_id || '/' || coalesce(l.zones[1], 'unknown') AS stratum
FROM leads l
LEFT JOIN experiments x ON x.id = %(experiment_id)s
LEFT JOIN assignments a ON a.experiment_id = x.id AND a.lead_id = l.id
WHERE l.id = %(lead_id)s

-- name: register
-- The plan stands as the first call found it: later versions of the script do not change it.
INSERT INTO experiments (id, campaign_id, name, arms, metric, baseline, minimal_effect,
    alpha, power, guardrails, stop, started_at)
VALUES (%(experiment_id)s, %(campaign_id)s, %(name)s, %(arms)s, %(metric)s,
    %(baseline)s, %(minimal_effect)s, %(alpha)s, %(power)s, %(guardrails)s, %(stop)s, %(now)s)
ON CONFLICT (id) DO NOTHING

-- name: hold_stratum
-- Locks the stratum until the transaction ends: leads get their places one after the other, and a
-- place that was taken in a transaction that failed is free again.
INSERT INTO assignment_strata (experiment_id, stratum, shares, drawn)
VALUES (%(experiment_id)s, %(stratum)s, %(shares)s, 0)
ON CONFLICT (experiment_id, stratum, shares) DO UPDATE SET drawn = assignment_strata.drawn
RETURNING drawn

-- name: assign
WITH next AS (
    UPDATE assignment_strata SET drawn = drawn + 1
    WHERE experiment_id = %(experiment_id)s AND stratum = %(stratum)s AND shares = %(shares)s)
INSERT INTO assignments (experiment_id, lead_id, arm, stratum, assigned_at)
VALUES (%(experiment_id)s, %(lead_id)s, %(arm)s, %(stratum)s, %(now)s)

-- name: listed
-- The newest first; `running` only those that go on.
SELECT x.*, c.name AS campaign, c.rehearsal,
       (SELECT count(*) FROM assignments a WHERE a.experiment_id = x.id) AS leads
FROM experiments x JOIN campaigns c ON c.id = x.campaign_id
WHERE NOT %(running)s OR x.stopped_at IS NULL
ORDER BY x.started_at DESC NULLS LAST, x.name, x.id

-- name: named
SELECT x.*, c.name AS campaign, c.rehearsal,
       (SELECT count(*) FROM assignments a WHERE a.experiment_id = x.id) AS leads
FROM experiments x JOIN campaigns c ON c.id = x.campaign_id
WHERE (x.name = %(name)s OR x.id::text = %(name)s)
  AND (%(campaign)s::text IS NULL OR c.name = %(campaign)s)
ORDER BY x.started_at DESC NULLS LAST, x.id

-- name: stop
UPDATE experiments SET stopped_at = %(now)s, stopped_reason = %(reason)s, stopped_by = %(by)s,
       winner = %(winner)s, harmful = %(harmful)s
WHERE id = %(id)s AND stopped_at IS NULL
RETURNING name

-- name: note_look
UPDATE experiments SET verdict = %(verdict)s, judged_at = %(now)s, planned_n = %(planned_n)s
WHERE id = %(id)s
