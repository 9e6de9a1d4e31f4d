-- What the events of consent permit is a table that the database keeps.
-- 
-- What stands for one clip is worked out by the clip's number, and not by looking at all the clips of its owner: sending the
-- ten thousandth clip costs what the first did.

-- One owner's events and clips are written one after the other, so that each sees all that came before it.
CREATE OR REPLACE FUNCTION sightline_lock_owner(p_owner text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(20840, hashtext(p_owner));
$$;

-- What stands for an owner's clips (for one, or for all), from the events alone; written down for the gates.
CREATE OR REPLACE FUNCTION sightline_permit(p_owner text, p_clip bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
    v_clips CONSTANT bigint[] := CASE WHEN p_clip IS NULL
        THEN ARRAY(SELECT o.id FROM clips_clip o WHERE o.owner_key = p_owner) ELSE ARRAY[p_clip] END;
BEGIN
    WITH mine AS MATERIALIZED (
        SELECT o.id, o.owner_key, o.region FROM clips_clip o WHERE o.id = ANY (v_clips)
    ), standing AS (
        SELECT DISTINCT ON (c.id, p.purpose)
               c.id AS clip_id, p.purpose, g.id AS event_id,
               coalesce(g.expires_at, '9999-01-01 00:00:00+00') AS until
          FROM mine c
          JOIN clips_consentevent g
            ON g.owner_key = c.owner_key AND g.kind = 'given' AND (g.clip_id = c.id OR g.clip_id IS NULL)
          JOIN clips_disclosure d ON d.id = g.disclosure_id AND d.region = c.region
         CROSS JOIN LATERAL unnest(g.purposes) AS p(purpose)
         WHERE c.owner_key = p_owner
           AND (g.expires_at IS NULL OR g.expires_at > v_now)
           AND NOT EXISTS (
                SELECT 1 FROM clips_consentevent w
                 WHERE w.owner_key = g.owner_key AND w.kind = 'withdrawn'
                   AND (w.clip_id = c.id OR w.clip_id IS NULL)
                   AND p.purpose = ANY (w.purposes)
                   AND (w.at >= g.at OR w.id > g.id)
               )
         ORDER BY c.id, p.purpose, until DESC, g.id DESC
    ), ended AS (
        -- What expired by itself stays until a sweep has ended the leases under it.
        DELETE FROM clips_permit m USING mine c
         WHERE c.id = m.clip_id AND c.owner_key = p_owner
           AND m.until > v_now
           AND NOT EXISTS (SELECT 1 FROM standing s WHERE s.clip_id = m.clip_id AND s.purpose = m.purpose)
    )
    INSERT INTO clips_permit AS m (clip_id, purpose, event_id, until)
    SELECT s.clip_id, s.purpose, s.event_id, s.until FROM standing s
        ON CONFLICT (clip_id, purpose) DO UPDATE SET event_id = excluded.event_id, until = excluded.until
     WHERE (m.event_id, m.until) IS DISTINCT FROM (excluded.event_id, excluded.until);
END
$$;
-- Every step is a look-up by keys, whatever the tables were like when the plan was made.
ALTER FUNCTION sightline_permit(text, bigint) SET enable_seqscan = off;
ALTER FUNCTION sightline_permit(text, bigint) SET enable_hashjoin = off;
ALTER FUNCTION sightline_permit(text, bigint) SET enable_mergejoin = off;
ALTER FUNCTION sightline_permit(text, bigint) SET plan_cache_mode = force_generic_plan;

CREATE OR REPLACE FUNCTION sightline_consent_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_lock_owner(NEW.owner_key);
    -- Numbered and timed behind the lock: "came to us later" is then the order of the numbers.
    NEW.id := nextval(pg_get_serial_sequence('clips_consentevent', 'id'));
    NEW.recorded_at := clock_timestamp();
    IF NEW.clip_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM clips_clip c WHERE c.id = NEW.clip_id AND c.owner_key = NEW.owner_key)
    THEN
        RAISE EXCEPTION 'clip % is no clip of this owner', NEW.clip_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NEW.kind = 'given' THEN
        NEW.disclosure_sha256 := (SELECT d.sha256 FROM clips_disclosure d WHERE d.id = NEW.disclosure_id);
    ELSE
        -- Nobody withdraws for later: a clock that runs ahead would end what is agreed to next.
        NEW.at := least(NEW.at, NEW.recorded_at);
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER arrives BEFORE INSERT ON clips_consentevent
    FOR EACH ROW EXECUTE FUNCTION sightline_consent_arrives();

CREATE OR REPLACE FUNCTION sightline_consent_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_permit(NEW.owner_key, NEW.clip_id);
    IF NEW.kind = 'withdrawn' THEN
        INSERT INTO clips_closing (clip_id, event_id, due_at)
        SELECT c.id, NEW.id, NEW.recorded_at
          FROM clips_clip c
         WHERE c.owner_key = NEW.owner_key AND (NEW.clip_id IS NULL OR c.id = NEW.clip_id) AND c.state <> 'withheld'
         ORDER BY c.id
            ON CONFLICT (clip_id) DO UPDATE SET event_id = excluded.event_id, due_at = excluded.due_at;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER counts AFTER INSERT ON clips_consentevent
    FOR EACH ROW EXECUTE FUNCTION sightline_consent_counts();

CREATE OR REPLACE FUNCTION sightline_clip_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_lock_owner(NEW.owner_key);
    PERFORM sightline_permit(NEW.owner_key, NEW.id);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER consented AFTER INSERT ON clips_clip FOR EACH ROW EXECUTE FUNCTION sightline_clip_arrives();
