-- An answer, in one statement. Reasons: docs/decisions.md, "The queue".

CREATE OR REPLACE FUNCTION sightline_submit(
    p_user bigint, p_lease bigint, p_token uuid, p_label text, p_answer jsonb, p_schema_version integer,
    OUT outcome text, OUT annotation_id bigint, OUT task_is_full boolean
)
LANGUAGE plpgsql AS $$
DECLARE
    e record;
    f record;
    v_at timestamptz;
    v_on_time boolean;
    v_permitted boolean;
BEGIN
    task_is_full := false;
    SELECT x.id, x.task_id, x.reviewer_id, x.quota_day_id, x.token, p.grace_seconds, p.purpose, t.clip_id, t.seats_apart, rv.team_id INTO e
      FROM annotations_lease x
      JOIN workforce_reviewer rv ON rv.id = x.reviewer_id
      JOIN annotations_task t ON t.id = x.task_id
      JOIN annotations_project p ON p.id = t.project_id
     WHERE x.id = p_lease AND rv.user_id = p_user AND rv.is_active;
    IF NOT FOUND THEN
        outcome := 'not-found';
        RETURN;
    END IF;
    IF e.token <> p_token THEN
        outcome := 'stale-token';
        RETURN;
    END IF;
    PERFORM 1 FROM workforce_quotaday d WHERE d.id = e.quota_day_id FOR NO KEY UPDATE;
    PERFORM 1 FROM annotations_task t WHERE t.id = e.task_id FOR NO KEY UPDATE;
    SELECT a.id INTO annotation_id FROM annotations_annotation a WHERE a.lease_id = e.id;
    IF FOUND THEN
        outcome := 'repeated';
        RETURN;
    END IF;
    v_at := clock_timestamp();
    -- Whoever takes the consent back holds the task, or closes the clip after this answer stands.
    v_permitted := EXISTS (
        SELECT 1 FROM clips_permit m WHERE m.clip_id = e.clip_id AND m.purpose = e.purpose AND m.until > v_at);
    -- Said so that no index over live leases can serve: the one that is meant is found by its number.
    UPDATE annotations_lease x SET state = 'submitted', ended_at = v_at
     WHERE x.id = e.id AND x.state || '' = 'live' AND v_permitted AND x.expires_at > v_at - make_interval(secs => e.grace_seconds);
    v_on_time := FOUND;
    IF NOT FOUND THEN
        SELECT x.state, x.recall_reason, x.expires_at > v_at - make_interval(secs => e.grace_seconds) AS in_grace INTO f
          FROM annotations_lease x WHERE x.id = e.id;
        -- What was given up or may not be seen is over; an answer to what ops took back is kept, like a late one.
        IF f.state NOT IN ('live', 'lapsed') AND f.recall_reason <> 'ops' THEN
            outcome := f.state;
            RETURN;
        END IF;
        IF NOT v_permitted THEN
            -- Nothing more is kept of what its owner took back.
            outcome := 'not-permitted';
            RETURN;
        END IF;
        -- Late. Its seat went back; it is taken again if it is still free, the day has room and the clip may be seen.
        IF f.state = 'lapsed' AND f.in_grace
           AND EXISTS (SELECT 1 FROM workforce_quotaday d WHERE d.id = e.quota_day_id AND d.used + d.held < d.day_limit)
           AND EXISTS (
                SELECT 1
                  FROM annotations_task t JOIN clips_clip c ON c.id = t.clip_id
                 WHERE t.id = e.task_id AND t.state = 'open' AND t.seats_left > 0
                   -- Where each answer is for another team, it may be another's turn by now.
                   AND (NOT t.seats_apart OR t.team_id = e.team_id)
                   AND c.state = 'ready'
               )
        THEN
            UPDATE annotations_task t SET seats_left = t.seats_left - 1 WHERE t.id = e.task_id;
            UPDATE annotations_lease x SET state = 'submitted', ended_at = v_at WHERE x.id = e.id;
        ELSE
            INSERT INTO annotations_lateanswer (lease_id, answer, received_at) VALUES (e.id, p_answer, v_at)
                ON CONFLICT DO NOTHING;
            outcome := 'lapsed';
            RETURN;
        END IF;
    END IF;
    INSERT INTO annotations_annotation (lease_id, task_id, reviewer_id, team_id, schema_version, label, answer, submitted_at)
    VALUES (e.id, e.task_id, e.reviewer_id,
            -- The task is held: it lies with this team until the answer stands.
            CASE WHEN e.seats_apart THEN (SELECT t.team_id FROM annotations_task t WHERE t.id = e.task_id) END,
            p_schema_version, p_label, p_answer, v_at)
    RETURNING id INTO annotation_id;
    UPDATE workforce_quotaday d SET held = d.held - v_on_time::integer, used = d.used + 1 WHERE d.id = e.quota_day_id;
    UPDATE workforce_reviewer rv SET lapses_in_row = 0 WHERE rv.id = e.reviewer_id AND rv.lapses_in_row > 0;
    UPDATE annotations_task t
       SET answers = t.answers + 1,
           state = CASE WHEN t.answers + 1 = t.overlap AND t.state = 'open' THEN 'full' ELSE t.state END,
           state_since = CASE WHEN t.answers + 1 = t.overlap AND t.state = 'open' THEN v_at ELSE t.state_since END
     WHERE t.id = e.task_id
    RETURNING t.state = 'full' OR t.seats_later > 0 INTO task_is_full;
    outcome := 'written';
END
$$;
ALTER FUNCTION sightline_submit(bigint, bigint, uuid, text, jsonb, integer) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION sightline_submit(bigint, bigint, uuid, text, jsonb, integer) SET enable_seqscan = off;
