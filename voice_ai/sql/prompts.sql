-- name: get_prompt
SELECT audio_sealed, ends_ms FROM prompts WHERE sha256 = %(sha256)s

-- name: put_prompt
INSERT INTO prompts (sha256, voice, model, audio_sealed, ends_ms, created_at)
VALUES (%(sha256)s, %(voice)s, %(model)s, %(audio_sealed)s, %(ends_ms)s, %(now)s)
ON CONFLICT (sha256) DO NOTHING

-- name: running_scripts
SELECT c.id AS campaign_id, v.version, v.config, v.script, v.script_name, s.legal_name,
       n.number_sealed AS callback_sealed
FROM campaigns c
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
JOIN sellers s ON s.id = c.seller_id
LEFT JOIN numbers n ON n.id = s.callback_number_id
WHERE c.state = 'running'
