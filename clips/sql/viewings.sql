-- Why and until when somebody might look stays as it was said; only that they were done earlier is added.

CREATE OR REPLACE FUNCTION sightline_viewing_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a viewing stays as it was opened' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE OR REPLACE TRIGGER viewing_is_kept BEFORE DELETE ON clips_viewing
    FOR EACH ROW EXECUTE FUNCTION sightline_viewing_is_kept();
CREATE OR REPLACE TRIGGER viewing_is_only_closed BEFORE UPDATE ON clips_viewing
    FOR EACH ROW
    WHEN (OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL
          OR (NEW.id, NEW.clip_id, NEW.user_id, NEW.purpose, NEW.reason, NEW.opened_at, NEW.ends_at)
             IS DISTINCT FROM (OLD.id, OLD.clip_id, OLD.user_id, OLD.purpose, OLD.reason, OLD.opened_at, OLD.ends_at)
          OR NEW.case_id IS DISTINCT FROM OLD.case_id)
    EXECUTE FUNCTION sightline_viewing_is_kept();
