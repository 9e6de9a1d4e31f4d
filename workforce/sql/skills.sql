-- What keeps a person's skills equal to their rows.

-- The skills of a person that are in force.
CREATE OR REPLACE FUNCTION sightline_skills(for_reviewer bigint, at timestamptz) RETURNS varchar[]
LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT s.name ORDER BY s.name), '{}')::varchar[]
      FROM workforce_skill s
     WHERE s.reviewer_id = for_reviewer AND s.cancelled_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > at)
$$;

-- Write them where the claim reads them; true when that changed anything. The person's row is locked first: of two who
-- change skills at once, the second counts again when the first is done, and sees what it did.
CREATE OR REPLACE FUNCTION sightline_keep_skills(for_reviewer bigint, at timestamptz) RETURNS boolean
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

CREATE OR REPLACE FUNCTION sightline_skill_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER keeps_skills AFTER INSERT OR UPDATE OR DELETE ON workforce_skill
    FOR EACH ROW EXECUTE FUNCTION sightline_skill_changed();

-- Whoever is written down with skills has rows for them; nobody but the function above writes them after that.
CREATE OR REPLACE FUNCTION sightline_skills_to_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO workforce_skill (reviewer_id, name, source)
    SELECT DISTINCT NEW.id, said.name, 'stated' FROM unnest(NEW.skills) said(name);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER skills_to_rows AFTER INSERT ON workforce_reviewer
    FOR EACH ROW WHEN (cardinality(NEW.skills) > 0) EXECUTE FUNCTION sightline_skills_to_rows();

CREATE OR REPLACE FUNCTION sightline_skills_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reviewer''s skills follow the rows of workforce_skill' USING ERRCODE = 'check_violation';
END
$$;
CREATE OR REPLACE TRIGGER skills_guarded BEFORE UPDATE OF skills ON workforce_reviewer
    FOR EACH ROW WHEN (OLD.skills IS DISTINCT FROM NEW.skills
                       AND current_setting('sightline.keeps_skills', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION sightline_skills_guarded();
