-- Where a lane's work stands, and the way into it.
--
-- While an old snapshot is open (a report, a backup), every version of a row that was updated stays, and whoever reads the
-- row reads them all. So a lane's row stays as it is and is only locked; what moves is added to annotations_head, whose
-- newest row is the first that an index gives, however many lie behind it.

-- A lane's row is written often and stays short: leave room in its page for the next versions.
ALTER TABLE annotations_lane SET (fillfactor = 20);
ALTER TABLE annotations_task SET (autovacuum_vacuum_scale_factor = 0.02);

-- A task's project and team are its lane's: one key says so for all three, and is looked up once for each new task.
ALTER TABLE annotations_lane ADD CONSTRAINT lane_says_whose UNIQUE (id, team_id, project_id);
ALTER TABLE annotations_task ADD CONSTRAINT task_is_its_lanes FOREIGN KEY (lane_id, team_id, project_id)
    REFERENCES annotations_lane (id, team_id, project_id) DEFERRABLE INITIALLY DEFERRED;

-- Make a lane ready for tasks of ranks from p_first to p_last, which the caller inserts in the same transaction. What
-- enters before the tail makes every bookmark in the lane worthless, and what enters before the head moves it back.
CREATE OR REPLACE FUNCTION sightline_enter(p_lane bigint, p_first bigint, p_last bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM annotations_lane ln WHERE ln.id = p_lane FOR NO KEY UPDATE;
    INSERT INTO annotations_head
           (lane_id, number, head_rank, tail_rank, express_head, express_next, version, made_at)
    SELECT h.lane_id, h.number + 1,
           -- A head past the tail says that nothing is left: it goes on where the new begins.
           CASE WHEN h.head_rank > h.tail_rank OR p_first < h.head_rank THEN p_first ELSE h.head_rank END,
           greatest(h.tail_rank, p_last), h.express_head, h.express_next,
           CASE WHEN p_first > h.tail_rank THEN h.version ELSE h.version + 1 END, h.made_at
      FROM annotations_head h WHERE h.lane_id = p_lane ORDER BY h.number DESC LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO annotations_head
               (lane_id, number, head_rank, tail_rank, express_head, express_next, version, made_at)
        VALUES (p_lane, 1, p_first, p_last, 1, 1, 0, clock_timestamp());
    END IF;
END
$$;
ALTER FUNCTION sightline_enter(bigint, bigint, bigint) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION sightline_enter(bigint, bigint, bigint) SET enable_seqscan = off;

-- A seat comes back: before all deadlines, after those that came back before. Numbers are given under the lane's lock, so
-- they become visible in their order and nobody passes one by. The caller holds the task.
CREATE OR REPLACE FUNCTION sightline_return_seat(p_task bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_lane bigint;
    v_turn bigint;
BEGIN
    SELECT t.lane_id INTO v_lane FROM annotations_task t WHERE t.id = p_task;
    PERFORM 1 FROM annotations_lane ln WHERE ln.id = v_lane FOR NO KEY UPDATE;
    INSERT INTO annotations_head
           (lane_id, number, head_rank, tail_rank, express_head, express_next, version, made_at)
    SELECT h.lane_id, h.number + 1, h.head_rank, h.tail_rank, h.express_head, h.express_next + 1, h.version, h.made_at
      FROM annotations_head h WHERE h.lane_id = v_lane ORDER BY h.number DESC LIMIT 1
    RETURNING express_next - 1 INTO v_turn;
    IF NOT FOUND THEN
        -- The first that lies in this lane: nothing stands in the lane's own order yet.
        v_turn := 1;
        INSERT INTO annotations_head
               (lane_id, number, head_rank, tail_rank, express_head, express_next, version, made_at)
        VALUES (v_lane, 1, 1, 0, 1, 2, 0, clock_timestamp());
    END IF;
    UPDATE annotations_task t SET seats_left = t.seats_left + 1, rank = v_turn WHERE t.id = p_task;
END
$$;
ALTER FUNCTION sightline_return_seat(bigint) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION sightline_return_seat(bigint) SET enable_seqscan = off;
