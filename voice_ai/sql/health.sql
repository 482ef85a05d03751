-- name: standing
-- What one look at the database tells: its size, who is connected, what waits, where events go.
SELECT pg_database_size(current_database()) AS bytes,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
       current_setting('max_connections')::int AS most_connections,
       (SELECT count(*) FROM commands WHERE obeyed_at IS NULL) AS commands,
       (SELECT min(asked_at) FROM commands WHERE obeyed_at IS NULL) AS oldest_command,
       (SELECT count(*) FROM flow_requests WHERE state = 'asked') AS flow_requests,
       (SELECT min(asked_at) FROM flow_requests WHERE state = 'asked') AS oldest_flow_request,
       to_regclass('public.call_events_' || to_char(%(now)s::timestamptz, 'YYYY_MM'))
           IS NOT NULL AS this_month,
       to_regclass('public.call_events_'
                   || to_char(%(now)s::timestamptz + interval '1 month', 'YYYY_MM'))
           IS NOT NULL AS next_month,
       EXISTS (SELECT FROM call_events_default) AS stray_events

-- name: models_watched
-- What the watch over models measured on its newest day, and what it has raised.
SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object('task', w.task, 'model_version',
                   w.model_version, 'measure', w.measure, 'value', w.value, 'verdict', w.verdict)),
                   '[]')
        FROM model_watch w WHERE w.rehearsal = %(rehearsal)s AND w.day =
            (SELECT max(day) FROM model_watch WHERE rehearsal = %(rehearsal)s)) AS figures,
       (SELECT coalesce(array_agg(a.summary ORDER BY a.id), '{}') FROM alerts a
        WHERE a.cleared_at IS NULL AND starts_with(a.name, %(prefix)s)
          AND split_part(a.name, ' ', 3) = %(kind)s) AS alerts

-- name: alive_by_kind
SELECT kind, count(*) AS n FROM workers
WHERE stopped_at IS NULL AND seen_at > now() - interval '10 seconds' GROUP BY kind

-- name: live_attempts
SELECT state, count(*) AS n FROM attempts WHERE state <> 'ended' GROUP BY state

-- name: last_day
-- Attempts that ended since, by disposition, with the carrier's durations of answered calls.
SELECT a.disposition, d.goal, d.reached_carrier, count(*) AS n,
       count(k.seconds) FILTER (WHERE d.answered) AS timed,
       sum(k.seconds) FILTER (WHERE d.answered) AS seconds
FROM attempts a
JOIN dispositions d ON d.code = a.disposition
LEFT JOIN LATERAL (SELECT max(c.duration_s) AS seconds FROM calls c WHERE c.attempt_id = a.id) k
    ON true
WHERE a.state = 'ended' AND a.ended_at > %(since)s
GROUP BY a.disposition, d.goal, d.reached_carrier
