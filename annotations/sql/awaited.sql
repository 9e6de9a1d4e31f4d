-- What makes a clip wanted or not writes that down, so that a plan counts what waits and need not look at all clips.
-- 
-- A gate that time shuts (an agreement that ends) is not in it: who makes a task asks every gate again. Two changes that do
-- not see each other may leave a line too many or too few; sightline_await_some holds the lines against the clips, a stretch
-- at a time, and is asked again and again.
-- 
-- Each of the three functions asks the same: ``wants``, what each project wants of each region where a team of its own is at
-- home; and ``should``, which clips that is.

-- Lines that others are just taking away are passed by: nobody waits here, so nobody can wait in a circle.
CREATE OR REPLACE FUNCTION sightline_await(clip_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM annotations_awaited o WHERE o.clip_id = ANY (clip_ids)) THEN
        WITH wants AS MATERIALIZED (
            SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
              FROM annotations_project p
              JOIN annotations_project_teams pt ON pt.project_id = p.id
              JOIN workforce_team w ON w.id = pt.team_id
              JOIN workforce_region g ON g.id = w.region_id
        ), should AS MATERIALIZED (
            SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
                   CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                        THEN c.language ELSE '' END AS language
              FROM clips_clip c
              JOIN wants w
                ON c.region = w.region AND c.kind = w.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL
               AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose)
               AND EXISTS (SELECT 1 FROM clips_rendition x
                            WHERE x.clip_id = c.id
                              AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                                   OR c.kind = 'voice' AND x.kind = 'proxy'))
               AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = w.project_id)
             WHERE c.id = ANY (clip_ids)
        )
        DELETE FROM annotations_awaited a
         USING (SELECT o.clip_id, o.project_id
                  FROM annotations_awaited o
                  LEFT JOIN should s ON (s.clip_id, s.project_id, s.region, s.clearance, s.language)
                                        = (o.clip_id, o.project_id, o.region, o.clearance, o.language)
                 WHERE o.clip_id = ANY (clip_ids) AND s.clip_id IS NULL
                 ORDER BY o.clip_id, o.project_id FOR UPDATE OF o SKIP LOCKED) gone
         WHERE a.clip_id = gone.clip_id AND a.project_id = gone.project_id;
    END IF;
    WITH wants AS MATERIALIZED (
        SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
          FROM annotations_project p
          JOIN annotations_project_teams pt ON pt.project_id = p.id
          JOIN workforce_team w ON w.id = pt.team_id
          JOIN workforce_region g ON g.id = w.region_id
    )
    INSERT INTO annotations_awaited (clip_id, project_id, region, clearance, language)
    SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
           CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                THEN c.language ELSE '' END AS language
      FROM clips_clip c
      JOIN wants w
        ON c.region = w.region AND c.kind = w.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL
       AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose)
       AND EXISTS (SELECT 1 FROM clips_rendition x
                    WHERE x.clip_id = c.id
                      AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                           OR c.kind = 'voice' AND x.kind = 'proxy'))
       AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = w.project_id)
     WHERE c.id = ANY (clip_ids)
     ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
END
$$;
-- Every step is a look-up by keys, whatever the tables were like when the plan was made.
ALTER FUNCTION sightline_await(bigint[]) SET enable_seqscan = off;
ALTER FUNCTION sightline_await(bigint[]) SET enable_hashjoin = off;
ALTER FUNCTION sightline_await(bigint[]) SET enable_mergejoin = off;
ALTER FUNCTION sightline_await(bigint[]) SET plan_cache_mode = force_generic_plan;

CREATE OR REPLACE FUNCTION sightline_await_project(for_project bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH wants AS MATERIALIZED (
        SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
          FROM annotations_project p
          JOIN annotations_project_teams pt ON pt.project_id = p.id
          JOIN workforce_team w ON w.id = pt.team_id
          JOIN workforce_region g ON g.id = w.region_id
         WHERE p.id = for_project
    ), should AS MATERIALIZED (
        SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
               CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                    THEN c.language ELSE '' END AS language
          FROM clips_clip c
          JOIN wants w
            ON c.region = w.region AND c.kind = w.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL
           AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose)
           AND EXISTS (SELECT 1 FROM clips_rendition x
                        WHERE x.clip_id = c.id
                          AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                               OR c.kind = 'voice' AND x.kind = 'proxy'))
           AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = w.project_id)
    )
    DELETE FROM annotations_awaited a
     USING (SELECT o.clip_id FROM annotations_awaited o
             WHERE o.project_id = for_project
               AND NOT EXISTS (SELECT 1 FROM should s WHERE s.clip_id = o.clip_id AND s.language = o.language)
             ORDER BY o.clip_id FOR UPDATE SKIP LOCKED) gone
     WHERE a.clip_id = gone.clip_id AND a.project_id = for_project;
    WITH wants AS MATERIALIZED (
        SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
          FROM annotations_project p
          JOIN annotations_project_teams pt ON pt.project_id = p.id
          JOIN workforce_team w ON w.id = pt.team_id
          JOIN workforce_region g ON g.id = w.region_id
         WHERE p.id = for_project
    )
    INSERT INTO annotations_awaited (clip_id, project_id, region, clearance, language)
    SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
           CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                THEN c.language ELSE '' END AS language
      FROM clips_clip c
      JOIN wants w
        ON c.region = w.region AND c.kind = w.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL
       AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose)
       AND EXISTS (SELECT 1 FROM clips_rendition x
                    WHERE x.clip_id = c.id
                      AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                           OR c.kind = 'voice' AND x.kind = 'proxy'))
       AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = w.project_id)
     ORDER BY 1
        ON CONFLICT DO NOTHING;
END
$$;

-- Holds a stretch of clips against the lines; returns of how many the lines were wrong.
CREATE OR REPLACE FUNCTION sightline_await_some(first_clip bigint, last_clip bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_wrong bigint[];
BEGIN
    WITH wants AS MATERIALIZED (
        SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
          FROM annotations_project p
          JOIN annotations_project_teams pt ON pt.project_id = p.id
          JOIN workforce_team w ON w.id = pt.team_id
          JOIN workforce_region g ON g.id = w.region_id
    ), should AS MATERIALIZED (
        SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
               CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                    THEN c.language ELSE '' END AS language
          FROM clips_clip c
          JOIN wants w
            ON c.region = w.region AND c.kind = w.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL
           AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose)
           AND EXISTS (SELECT 1 FROM clips_rendition x
                        WHERE x.clip_id = c.id
                          AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                               OR c.kind = 'voice' AND x.kind = 'proxy'))
           AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = w.project_id)
         WHERE c.id BETWEEN first_clip AND last_clip
    ), lines AS MATERIALIZED (
        SELECT a.clip_id, a.project_id, a.region, a.clearance::int, a.language
          FROM annotations_awaited a
         WHERE a.clip_id BETWEEN first_clip AND last_clip
    )
    SELECT array_agg(DISTINCT o.clip_id) INTO v_wrong
      FROM ((TABLE lines EXCEPT TABLE should) UNION ALL (TABLE should EXCEPT TABLE lines)) o;
    PERFORM sightline_await(v_wrong);
    RETURN coalesce(cardinality(v_wrong), 0);
END
$$;

CREATE OR REPLACE FUNCTION sightline_clip_awaited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_await(ARRAY[NEW.id]);
    RETURN NULL;
END
$$;
-- A clip that is new has nothing to be seen yet.
CREATE OR REPLACE TRIGGER keeps_awaited AFTER UPDATE ON clips_clip FOR EACH ROW
    WHEN ((OLD.state = 'ready' OR NEW.state = 'ready')
          AND (OLD.state, OLD.kind, OLD.region, OLD.same_as_id, OLD.is_sensitive, OLD.language)
              IS DISTINCT FROM (NEW.state, NEW.kind, NEW.region, NEW.same_as_id, NEW.is_sensitive, NEW.language))
    EXECUTE FUNCTION sightline_clip_awaited();

-- Of permits, renditions and tasks: what came or went in one statement, at once; and of what came, only clips that can
-- be wanted now. Clips are looked up by number and each gate for each of them, so that a database that was never analyzed
-- cannot choose to read all clips for each: OFFSET keeps what is asked of each from being read for all of them first.
CREATE OR REPLACE FUNCTION sightline_part_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_came bigint[] := ARRAY(SELECT DISTINCT changed.clip_id FROM changed);
    v_clips bigint[] := ARRAY(
        WITH came AS MATERIALIZED (SELECT o.id, o.state FROM clips_clip o WHERE o.id = ANY (v_came))
        SELECT c.id FROM came c
         WHERE c.state = 'ready'
           AND EXISTS (SELECT 1 FROM clips_rendition x WHERE x.clip_id = c.id OFFSET 0)
           AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id OFFSET 0));
BEGIN
    IF cardinality(v_clips) > 0 THEN
        PERFORM sightline_await(v_clips);
    END IF;
    RETURN NULL;
END
$$;
ALTER FUNCTION sightline_part_came() SET enable_seqscan = off;
ALTER FUNCTION sightline_part_came() SET enable_hashjoin = off;
ALTER FUNCTION sightline_part_came() SET enable_mergejoin = off;
ALTER FUNCTION sightline_part_came() SET plan_cache_mode = force_generic_plan;

CREATE OR REPLACE FUNCTION sightline_part_went() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_clips bigint[] := ARRAY(SELECT DISTINCT changed.clip_id FROM changed);
BEGIN
    IF cardinality(v_clips) > 0 THEN
        PERFORM sightline_await(v_clips);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER keeps_awaited_new AFTER INSERT ON clips_permit REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_part_came();
CREATE OR REPLACE TRIGGER keeps_awaited_old AFTER DELETE ON clips_permit REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_part_went();
CREATE OR REPLACE TRIGGER keeps_awaited_new AFTER INSERT ON clips_rendition REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_part_came();
CREATE OR REPLACE TRIGGER keeps_awaited_old AFTER DELETE ON clips_rendition REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_part_went();
CREATE OR REPLACE TRIGGER keeps_awaited_old AFTER DELETE ON annotations_task REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_part_went();

-- A thousand tasks at once: their lines go, and no gate is asked.
CREATE OR REPLACE FUNCTION sightline_task_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annotations_awaited a
     USING (SELECT o.ctid AS place
              FROM made m JOIN annotations_awaited o ON o.clip_id = m.clip_id AND o.project_id = m.project_id
               FOR UPDATE OF o SKIP LOCKED) gone
     WHERE a.ctid = gone.place;
    RETURN NULL;
END
$$;
-- A thousand look-ups, and never a reading of all that waits.
ALTER FUNCTION sightline_task_made() SET enable_seqscan = off;
ALTER FUNCTION sightline_task_made() SET enable_hashjoin = off;
ALTER FUNCTION sightline_task_made() SET enable_mergejoin = off;
CREATE OR REPLACE TRIGGER keeps_awaited_new AFTER INSERT ON annotations_task REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_task_made();

CREATE OR REPLACE FUNCTION sightline_project_awaits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_await_project(NEW.id);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER keeps_awaited AFTER UPDATE ON annotations_project FOR EACH ROW
    WHEN ((OLD.clip_kind, OLD.purpose, OLD.faces, OLD.asks_language) IS DISTINCT FROM (NEW.clip_kind, NEW.purpose, NEW.faces, NEW.asks_language))
    EXECUTE FUNCTION sightline_project_awaits();

CREATE OR REPLACE FUNCTION sightline_teams_await() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sightline_await_project(p.id) FROM (SELECT DISTINCT changed.project_id AS id FROM changed) p;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER keeps_awaited_new AFTER INSERT ON annotations_project_teams REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_teams_await();
CREATE OR REPLACE TRIGGER keeps_awaited_old AFTER DELETE ON annotations_project_teams REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_teams_await();
