"""What the database itself refuses in calendars, and what keeps a person's skills equal to their rows.

The exclusion constraints put rows of all owners on one line of numbers, each owner far from the next, so that plain
range types are enough and no extension is asked for that an engine may not have.
"""

from django.db import migrations

FORWARD = """
-- Seconds of a week, of one owner; two pieces where they run over its end. Without times: the whole day.
CREATE FUNCTION sightline_week(owner bigint, weekday integer, begins time, ends time) RETURNS nummultirange
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
CREATE FUNCTION sightline_away(owner bigint, first_day date, from_time time, last_day date, until_time time)
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

-- The skills of a person that are in force.
CREATE FUNCTION sightline_skills(for_reviewer bigint, at timestamptz) RETURNS varchar[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT s.name ORDER BY s.name), '{}')::varchar[]
      FROM workforce_skill s
     WHERE s.reviewer_id = for_reviewer AND s.cancelled_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > at)
$$;

-- Write them where the claim reads them; true when that changed anything. The person's row is locked first: of two who
-- change skills at once, the second counts again when the first is done, and sees what it did.
CREATE FUNCTION sightline_keep_skills(for_reviewer bigint, at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_changed integer;
BEGIN
    PERFORM 1 FROM workforce_reviewer r WHERE r.id = for_reviewer FOR NO KEY UPDATE;
    PERFORM set_config('sightline.keeps_skills', 'on', true);
    UPDATE workforce_reviewer r SET skills = sightline_skills(r.id, sightline_keep_skills.at)
     WHERE r.id = for_reviewer AND r.skills IS DISTINCT FROM sightline_skills(r.id, sightline_keep_skills.at);
    GET DIAGNOSTICS v_changed = ROW_COUNT;
    PERFORM set_config('sightline.keeps_skills', '', true);
    RETURN v_changed > 0;
END
$$;

CREATE FUNCTION sightline_skill_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM sightline_keep_skills(OLD.reviewer_id, clock_timestamp());
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM sightline_keep_skills(NEW.reviewer_id, clock_timestamp());
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER keeps_skills AFTER INSERT OR UPDATE OR DELETE ON workforce_skill
    FOR EACH ROW EXECUTE FUNCTION sightline_skill_changed();

-- Whoever is written down with skills has rows for them; nobody but the function above writes them after that.
CREATE FUNCTION sightline_skills_to_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workforce_skill (reviewer_id, name, source)
    SELECT DISTINCT NEW.id, said.name, 'stated' FROM unnest(NEW.skills) said(name);
    RETURN NULL;
END
$$;

CREATE TRIGGER skills_to_rows AFTER INSERT ON workforce_reviewer
    FOR EACH ROW WHEN (cardinality(NEW.skills) > 0) EXECUTE FUNCTION sightline_skills_to_rows();

CREATE FUNCTION sightline_skills_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reviewer''s skills follow the rows of workforce_skill' USING ERRCODE = 'check_violation';
END
$$;

CREATE TRIGGER skills_guarded BEFORE UPDATE OF skills ON workforce_reviewer
    FOR EACH ROW WHEN (OLD.skills IS DISTINCT FROM NEW.skills
                       AND current_setting('sightline.keeps_skills', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION sightline_skills_guarded();
"""

BACKWARD = """
DROP TRIGGER skills_guarded ON workforce_reviewer;
DROP TRIGGER skills_to_rows ON workforce_reviewer;
DROP TRIGGER keeps_skills ON workforce_skill;
DROP FUNCTION sightline_skills_guarded();
DROP FUNCTION sightline_skills_to_rows();
DROP FUNCTION sightline_skill_changed();
DROP FUNCTION sightline_keep_skills(bigint, timestamptz);
DROP FUNCTION sightline_skills(bigint, timestamptz);
ALTER TABLE workforce_absence DROP CONSTRAINT absence_no_overlap;
DROP FUNCTION sightline_away(bigint, date, time, date, time);
ALTER TABLE workforce_shift DROP CONSTRAINT shift_no_overlap;
DROP FUNCTION sightline_week(bigint, integer, time, time);
"""

# What people could do before there were rows for it. The triggers sort each person's array on the way.
CARRY_OVER = """
INSERT INTO workforce_skill (reviewer_id, name, source)
SELECT DISTINCT r.id, said.name, 'stated' FROM workforce_reviewer r CROSS JOIN LATERAL unnest(r.skills) said(name);
"""


class Migration(migrations.Migration):
    dependencies = [("workforce", "0006_calendars")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL(CARRY_OVER, migrations.RunSQL.noop),
    ]
