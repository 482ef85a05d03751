ALTER TABLE attempts SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE campaign_leads SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE attempts
    ADD CONSTRAINT fk_attempts_disposition_dispositions
    FOREIGN KEY (disposition) REFERENCES dispositions (code);

-- A late or surprising month must never lose an event; the monthly partitions are made beforehand.
CREATE TABLE call_events_default PARTITION OF call_events DEFAULT;

CREATE FUNCTION ensure_event_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := 'call_events_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ensure_event_partition'));
    IF to_regclass('public.' || name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF call_events FOR VALUES FROM (%L) TO (%L)',
            name, first, first + interval '1 month');
    END IF;
END $$;
COMMENT ON FUNCTION ensure_event_partition(date) IS
    'Makes the partition of call_events for that month, once.';

-- What foreign keys would say, once per statement instead of three times per row.
CREATE FUNCTION leads_refer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (
                   SELECT FROM numbers n WHERE n.id = a.number_id))
       OR EXISTS (SELECT FROM (SELECT DISTINCT list_id, run_id FROM added) a
                  WHERE NOT EXISTS (SELECT FROM lead_lists l WHERE l.id = a.list_id)
                     OR NOT EXISTS (SELECT FROM import_runs r WHERE r.id = a.run_id)) THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'a lead refers to a number, a list or an import run that does not exist';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_refer AFTER INSERT ON leads REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION leads_refer();
