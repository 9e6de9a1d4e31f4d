-- A person's spans never overlap; a timesheet is a view over them, and over what staff added when it was contested.

-- Seconds of all time, of one owner, each far from the next. An epoch depends on no setting, so this may be indexed.
CREATE OR REPLACE FUNCTION sightline_span(owner bigint, starts timestamptz, ends timestamptz) RETURNS numrange
LANGUAGE sql IMMUTABLE AS $$
    SELECT numrange(owner::numeric * 1000000000000 + extract(epoch FROM starts),
                    owner::numeric * 1000000000000 + extract(epoch FROM ends))
$$;

ALTER TABLE annotations_activespan ADD CONSTRAINT active_span_no_overlap EXCLUDE USING gist (
    sightline_span(reviewer_id, started_at, ended_at) WITH &&
);

CREATE OR REPLACE FUNCTION sightline_spans_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'spans of active time are written once' USING ERRCODE = 'check_violation';
END
$$;
CREATE OR REPLACE TRIGGER spans_are_kept BEFORE UPDATE OR DELETE ON annotations_activespan
    FOR EACH ROW EXECUTE FUNCTION sightline_spans_are_kept();

CREATE OR REPLACE VIEW annotations_timesheet AS
SELECT event.reviewer_id * 1000000 + (event.day - date '2000-01-01') AS id,
       event.reviewer_id, event.day,
       sum(event.ms - event.lost_ms)::bigint AS active_ms,
       sum(event.lost_ms)::bigint AS lost_ms,
       sum(event.granted_ms)::bigint AS granted_ms,
       sum(event.ms + event.granted_ms)::bigint AS total_ms,
       count(event.span_id)::integer AS spans,
       count(DISTINCT event.lease_id)::integer AS leases
  FROM (
        SELECT s.reviewer_id, s.day, round(extract(epoch FROM s.ended_at - s.started_at) * 1000) AS ms, s.lost_ms,
               0 AS granted_ms, s.id AS span_id, s.lease_id
          FROM annotations_activespan s
        UNION ALL
        SELECT c.reviewer_id, c.day, 0, 0, c.granted_ms, NULL, NULL
          FROM annotations_timecontest c WHERE c.granted_ms > 0
       ) event
 GROUP BY event.reviewer_id, event.day;
