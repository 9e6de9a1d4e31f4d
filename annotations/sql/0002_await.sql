-- What is awaited of some clips is found clip by clip: each is read by its number and each gate asked of it alone, whatever
-- the database knows of its tables. A thousand clips at once, in a database never analyzed, cost a thousand times one.
--
-- OFFSET keeps a gate from being asked of all there is first; the sum keeps tasks from being found by their project. Lines
-- that others are just taking away are passed by: nobody waits here, so nobody can wait in a circle.
CREATE OR REPLACE FUNCTION sightline_await(clip_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM annotations_awaited o WHERE o.clip_id = ANY (clip_ids)) THEN
        WITH wants AS MATERIALIZED (
            SELECT DISTINCT p.id AS project_id, g.code AS region, p.clip_kind, p.purpose, p.faces, p.asks_language
              FROM annotations_project p
              JOIN annotations_project_teams pt ON pt.project_id = p.id
              JOIN workforce_team w ON w.id = pt.team_id
              JOIN workforce_region g ON g.id = w.region_id
        ), these AS MATERIALIZED (
            SELECT o.id, o.region, o.kind, o.language, o.is_sensitive, o.state, o.same_as_id
              FROM clips_clip o WHERE o.id = ANY (clip_ids)
        ), should AS MATERIALIZED (
            SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
                   CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                        THEN c.language ELSE '' END AS language
              FROM these c JOIN wants w ON c.region = w.region AND c.kind = w.clip_kind
             WHERE c.state = 'ready' AND c.same_as_id IS NULL
               AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose OFFSET 0)
               AND EXISTS (SELECT 1 FROM clips_rendition x
                            WHERE x.clip_id = c.id
                              AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                                   OR c.kind = 'voice' AND x.kind = 'proxy') OFFSET 0)
               AND NOT EXISTS (SELECT 1 FROM annotations_task t
                                WHERE t.clip_id = c.id AND t.project_id + 0 = w.project_id OFFSET 0)
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
    ), these AS MATERIALIZED (
        SELECT o.id, o.region, o.kind, o.language, o.is_sensitive, o.state, o.same_as_id
          FROM clips_clip o WHERE o.id = ANY (clip_ids)
    )
    INSERT INTO annotations_awaited (clip_id, project_id, region, clearance, language)
    SELECT c.id AS clip_id, w.project_id, c.region, c.is_sensitive::int AS clearance,
           CASE WHEN w.asks_language = 'always' OR w.asks_language = 'heard' AND c.kind = 'voice'
                THEN c.language ELSE '' END AS language
      FROM these c JOIN wants w ON c.region = w.region AND c.kind = w.clip_kind
     WHERE c.state = 'ready' AND c.same_as_id IS NULL
       AND EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = w.purpose OFFSET 0)
       AND EXISTS (SELECT 1 FROM clips_rendition x
                    WHERE x.clip_id = c.id
                      AND (x.kind = CASE w.faces WHEN 'blurred' THEN 'blurred_proxy' ELSE 'proxy' END
                           OR c.kind = 'voice' AND x.kind = 'proxy') OFFSET 0)
       AND NOT EXISTS (SELECT 1 FROM annotations_task t
                        WHERE t.clip_id = c.id AND t.project_id + 0 = w.project_id OFFSET 0)
     ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
END
$$;
ALTER FUNCTION sightline_await(bigint[]) SET enable_seqscan = off;
ALTER FUNCTION sightline_await(bigint[]) SET enable_hashjoin = off;
ALTER FUNCTION sightline_await(bigint[]) SET enable_mergejoin = off;
ALTER FUNCTION sightline_await(bigint[]) SET plan_cache_mode = force_generic_plan;
