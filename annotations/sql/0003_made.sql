-- A thousand tasks at once: their lines go, and no gate is asked. Each line is looked up for its task and taken away at its
-- place, whatever planners think of how many wait: when nothing waited as the tables were analyzed, they read all lines
-- for each task.
CREATE OR REPLACE FUNCTION sightline_task_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annotations_awaited a
     WHERE a.ctid = ANY (ARRAY(
            SELECT o.place
              FROM made m
             CROSS JOIN LATERAL (
                    SELECT l.ctid AS place
                      FROM annotations_awaited l
                     WHERE l.clip_id = m.clip_id AND l.project_id = m.project_id
                       FOR UPDATE SKIP LOCKED) o));
    RETURN NULL;
END
$$;
ALTER FUNCTION sightline_task_made() SET enable_seqscan = off;
ALTER FUNCTION sightline_task_made() SET enable_hashjoin = off;
ALTER FUNCTION sightline_task_made() SET enable_mergejoin = off;
