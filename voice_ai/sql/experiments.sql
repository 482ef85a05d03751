-- name: assign_arm
-- The lead's arm, taken down once: the first one told holds, also when the shares change later.
WITH known AS (
    INSERT INTO experiments (id, campaign_id, name, arms, started_at)
    VALUES (%(experiment_id)s, %(campaign_id)s, %(name)s, %(arms)s, %(now)s)
    ON CONFLICT (id) DO NOTHING)
INSERT INTO assignments (experiment_id, lead_id, arm, assigned_at)
VALUES (%(experiment_id)s, %(lead_id)s, %(arm)s, %(now)s)
ON CONFLICT (experiment_id, lead_id) DO NOTHING

-- name: arm_of_lead
SELECT arm FROM assignments WHERE experiment_id = %(experiment_id)s AND lead_id = %(lead_id)s
