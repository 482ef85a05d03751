-- name: insert_recording
INSERT INTO recordings (recording_sid, attempt_id, status, duration_s, channels, path, created_at)
VALUES (%(recording_sid)s, %(attempt_id)s, 'completed', %(duration_s)s, %(channels)s, %(path)s,
    %(created_at)s)
ON CONFLICT (recording_sid) DO NOTHING

-- name: recordings_of
-- What can be played of an attempt, the first stream first.
SELECT recording_sid, duration_s, channels, path, created_at FROM recordings
WHERE attempt_id = %(attempt_id)s AND status = 'completed' AND path IS NOT NULL
  AND purged_at IS NULL
ORDER BY created_at, recording_sid

-- name: purge_recording
UPDATE recordings SET purged_at = %(now)s
WHERE recording_sid = %(recording_sid)s AND purged_at IS NULL RETURNING recording_sid
