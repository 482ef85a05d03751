-- name: summarise
-- Counts again from the attempts, so that a late end is counted too.
INSERT INTO daily_summaries (campaign_id, day, figures, made_at)
SELECT d.campaign_id, d.day, jsonb_build_object('dials', d.dials, 'answered', d.answered,
           'human_answered', d.human_answered, 'machines', d.machines, 'conversed', d.conversed,
           'goals', d.goals, 'opt_outs', d.opt_outs, 'live', d.live), %(now)s
FROM v_campaign_day d JOIN campaigns c ON c.id = d.campaign_id AND c.rehearsal = d.rehearsal
WHERE d.day >= %(first)s AND d.day <= %(last)s
ON CONFLICT (campaign_id, day) DO UPDATE SET figures = excluded.figures,
    made_at = excluded.made_at
RETURNING campaign_id, day, figures

-- name: names
SELECT id, name FROM campaigns WHERE id = ANY(%(ids)s)
