"""What a claim asks of a person's hours, and what tells it that a calendar has changed since they were worked out."""

from django.db import migrations

FORWARD = """
INSERT INTO workforce_calendarversion (id, version) VALUES (1, 1);

-- The row is locked until whoever changes a calendar is done: nobody can read the new number and the old calendar.
CREATE FUNCTION sightline_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workforce_calendarversion AS v (id, version) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET version = v.version + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_shift
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_ownhours
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_closure
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_workedholiday
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER INSERT OR UPDATE OR DELETE ON workforce_absence
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER UPDATE ON workforce_reviewer FOR EACH ROW
    WHEN ((OLD.team_id, OLD.country, OLD.time_zone, OLD.next_time_zone, OLD.zone_changes_at, OLD.starts_on, OLD.ends_on,
           OLD.is_active, OLD.is_paused)
          IS DISTINCT FROM (NEW.team_id, NEW.country, NEW.time_zone, NEW.next_time_zone, NEW.zone_changes_at,
           NEW.starts_on, NEW.ends_on, NEW.is_active, NEW.is_paused))
    EXECUTE FUNCTION sightline_calendar_changed();
CREATE TRIGGER counts_version AFTER UPDATE ON workforce_team FOR EACH ROW
    WHEN ((OLD.time_zone, OLD.region_id, OLD.is_paused) IS DISTINCT FROM (NEW.time_zone, NEW.region_id, NEW.is_paused))
    EXECUTE FUNCTION sightline_calendar_changed();

-- How many tasks a person can do in what is left of their present hours; 0 when they do not work now, and NULL when
-- nobody has worked that out since a calendar changed.
CREATE FUNCTION sightline_hours_room(for_reviewer bigint, at timestamptz) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN h.begins_at <= at AND at < h.ends_at
                THEN floor(extract(epoch FROM h.ends_at - at) * 1000 / h.pace_ms)::integer ELSE 0 END
      FROM workforce_workinghours h
     WHERE h.reviewer_id = for_reviewer AND h.known_until > at
       AND h.version = (SELECT v.version FROM workforce_calendarversion v WHERE v.id = 1)
$$;
"""
BACKWARD = """
DROP FUNCTION sightline_hours_room(bigint, timestamptz);
DROP TRIGGER counts_version ON workforce_shift;
DROP TRIGGER counts_version ON workforce_ownhours;
DROP TRIGGER counts_version ON workforce_closure;
DROP TRIGGER counts_version ON workforce_workedholiday;
DROP TRIGGER counts_version ON workforce_absence;
DROP TRIGGER counts_version ON workforce_reviewer;
DROP TRIGGER counts_version ON workforce_team;
DROP FUNCTION sightline_calendar_changed();
DELETE FROM workforce_calendarversion;
"""


class Migration(migrations.Migration):
    dependencies = [("workforce", "0010_working_hours")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
