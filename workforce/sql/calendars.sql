-- What the database itself refuses in calendars, what tells that a calendar has changed, and what a claim asks of hours.
-- 
-- The exclusion constraints put rows of all owners on one line of numbers, each owner far from the next, so that plain
-- range types are enough and no extension is asked for that an engine may not have.

-- Seconds of a week, of one owner; two pieces where they run over its end. Without times: the whole day.
CREATE OR REPLACE FUNCTION sightline_week(owner bigint, weekday integer, begins time, ends time) RETURNS nummultirange
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN z <= 604800 THEN nummultirange(numrange(o + a, o + z))
                ELSE nummultirange(numrange(o + a, o + 604800), numrange(o, o + z - 604800)) END
      FROM (SELECT owner::numeric * 10000000 AS o,
                   weekday * 86400 + coalesce(extract(epoch FROM begins), 0) AS a,
                   weekday * 86400 + CASE WHEN ends IS NULL OR begins IS NULL THEN 86400
                                          WHEN ends <= begins THEN 86400 + extract(epoch FROM ends)
                                          ELSE extract(epoch FROM ends) END AS z) said
$$;

ALTER TABLE workforce_shift ADD CONSTRAINT shift_no_overlap EXCLUDE USING gist (
    sightline_week(team_id, weekday, begins, ends) WITH &&, daterange(from_day, until_day, '[]') WITH &&
) WHERE (cancelled_at IS NULL);

-- Seconds on the wall since the year 1, of one owner.
CREATE OR REPLACE FUNCTION sightline_away(owner bigint, first_day date, from_time time, last_day date, until_time time)
RETURNS numrange LANGUAGE sql IMMUTABLE AS $$
    SELECT numrange(
        owner::numeric * 1000000000000 + (first_day - date '0001-01-01')::numeric * 86400
            + coalesce(extract(epoch FROM from_time), 0),
        owner::numeric * 1000000000000 + (last_day - date '0001-01-01')::numeric * 86400
            + coalesce(extract(epoch FROM until_time), 86400))
$$;

ALTER TABLE workforce_absence ADD CONSTRAINT absence_no_overlap EXCLUDE USING gist (
    sightline_away(reviewer_id, first_day, from_time, last_day, until_time) WITH &&
) WHERE (cancelled_at IS NULL);

-- The row is locked until whoever changes a calendar is done: nobody can read the new number and the old calendar.
CREATE OR REPLACE FUNCTION sightline_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workforce_calendarversion AS v (id, version) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET version = v.version + 1;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_shift
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_ownhours
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_closure
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_workedholiday
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_absence
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER UPDATE ON workforce_reviewer FOR EACH ROW
    WHEN ((OLD.team_id, OLD.country, OLD.time_zone, OLD.next_time_zone, OLD.zone_changes_at, OLD.starts_on, OLD.ends_on,
           OLD.is_active, OLD.is_paused)
          IS DISTINCT FROM (NEW.team_id, NEW.country, NEW.time_zone, NEW.next_time_zone, NEW.zone_changes_at,
           NEW.starts_on, NEW.ends_on, NEW.is_active, NEW.is_paused))
    EXECUTE FUNCTION sightline_calendar_changed();
CREATE OR REPLACE TRIGGER counts_version AFTER UPDATE ON workforce_team FOR EACH ROW
    WHEN ((OLD.time_zone, OLD.region_id, OLD.is_paused) IS DISTINCT FROM (NEW.time_zone, NEW.region_id, NEW.is_paused))
    EXECUTE FUNCTION sightline_calendar_changed();

-- How many tasks a person can do in what is left of their present hours; 0 when they do not work now, and NULL when
-- nobody has worked that out since a calendar changed.
CREATE OR REPLACE FUNCTION sightline_hours_room(for_reviewer bigint, at timestamptz) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN h.begins_at <= at AND at < h.ends_at
                THEN floor(extract(epoch FROM h.ends_at - at) * 1000 / h.pace_ms)::integer ELSE 0 END
      FROM workforce_workinghours h
     WHERE h.reviewer_id = for_reviewer AND h.known_until > at
       AND h.version = (SELECT v.version FROM workforce_calendarversion v WHERE v.id = 1)
$$;
