-- The access log: docs/decisions.md, "Sight".

CREATE OR REPLACE FUNCTION sightline_access_text(
    p_stream text, p_number bigint, p_at timestamptz, p_user bigint, p_credentials text, p_clip bigint, p_rendition text,
    p_under text, p_under_id bigint, p_purpose text, p_country text, p_address text, p_asked text, p_outcome text
) RETURNS text LANGUAGE sql STABLE AS $$
    -- Canonical JSON (RFC 8785): keys in the order of their code units, no blanks, strings as PostgreSQL and JavaScript
    -- escape them alike, whole numbers below 2^53.
    SELECT '{"address":' || to_json(p_address)::text
        || ',"asked":' || to_json(p_asked)::text
        || ',"at":"' || to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
        || ',"clip":' || coalesce(p_clip::text, 'null')
        || ',"country":' || to_json(p_country)::text
        || ',"credentials":' || to_json(p_credentials)::text
        || ',"number":' || p_number::text
        || ',"outcome":' || to_json(p_outcome)::text
        || ',"purpose":' || to_json(p_purpose)::text
        || ',"rendition":' || to_json(p_rendition)::text
        || ',"stream":' || to_json(p_stream)::text
        || ',"under":' || to_json(p_under)::text
        || ',"under_id":' || coalesce(p_under_id::text, 'null')
        || ',"user":' || coalesce(p_user::text, 'null')
        || '}'
$$;

CREATE OR REPLACE FUNCTION sightline_access(
    p_user bigint, p_credentials text, p_clip bigint, p_rendition text, p_under text, p_under_id bigint,
    p_purpose text, p_country text, p_address text, p_asked text, p_outcome text,
    -- What is alike within this time is one entry. Of refusals no more than so many are kept in it.
    p_alike interval, p_most integer,
    -- For what happened before there was this log.
    p_at timestamptz DEFAULT NULL,
    OUT entry bigint, OUT is_new boolean
)
LANGUAGE plpgsql AS $$
DECLARE
    -- How far back an alike entry is looked for, in entries.
    c_back CONSTANT bigint := 40;
    c_note CONSTANT bigint := 64;
    v_stream CONSTANT text := coalesce('person-' || p_user, 'strangers');
    v_locked boolean := false;
    v_number bigint;
    v_hash bytea;
    v_at timestamptz;
    v_kept bigint;
    v_purpose text := p_purpose;
BEGIN
    LOOP
        -- First without a lock: most pieces that a player asks for write nothing. Then again, holding it.
        SELECT e.number, e.hash INTO v_number, v_hash
          FROM clips_accessentry e WHERE e.stream = v_stream ORDER BY e.number DESC LIMIT 1;
        v_number := coalesce(v_number, 0);
        v_at := coalesce(p_at, clock_timestamp());
        IF p_at IS NULL THEN
            SELECT e.number INTO entry
              FROM clips_accessentry e
             WHERE e.stream = v_stream AND e.number > v_number - c_back AND e.at > v_at - p_alike
               AND e.outcome = p_outcome AND e.rendition = p_rendition AND e.clip_id IS NOT DISTINCT FROM p_clip
               AND e.under = p_under AND e.under_id IS NOT DISTINCT FROM p_under_id
               AND e.address = p_address AND e.credentials = p_credentials
               AND split_part(e.asked, ' ', 1) = split_part(p_asked, ' ', 1)
             ORDER BY e.number DESC LIMIT 1;
            IF FOUND THEN
                is_new := false;
                RETURN;
            END IF;
            IF p_outcome <> 'granted' THEN
                SELECT count(*) INTO v_kept
                  FROM clips_accessentry e
                 WHERE e.stream = v_stream AND e.number > v_number - p_most AND e.at > v_at - p_alike
                   AND e.outcome <> 'granted';
                IF v_kept >= p_most THEN
                    is_new := false;
                    RETURN;
                END IF;
                IF v_kept = p_most - 1 THEN
                    v_purpose := 'more within a minute are not kept';
                END IF;
            END IF;
        END IF;
        EXIT WHEN v_locked;
        -- A lock and no new version of the row: while an old snapshot is open each version would be read over.
        PERFORM 1 FROM clips_accessstream s WHERE s.name = v_stream FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            INSERT INTO clips_accessstream (name) VALUES (v_stream) ON CONFLICT DO NOTHING;
            PERFORM 1 FROM clips_accessstream s WHERE s.name = v_stream FOR NO KEY UPDATE;
        END IF;
        v_locked := true;
    END LOOP;

    entry := v_number + 1;
    is_new := true;
    INSERT INTO clips_accessentry (
        stream, number, at, user_id, credentials, clip_id, rendition, under, under_id, purpose, country, address, asked,
        outcome, hash)
    VALUES (
        v_stream, entry, v_at, p_user, p_credentials, p_clip, p_rendition, p_under, p_under_id, v_purpose, p_country,
        p_address, p_asked, p_outcome,
        sha256(coalesce(v_hash, '\x'::bytea) || convert_to(sightline_access_text(
            v_stream, entry, v_at, p_user, p_credentials, p_clip, p_rendition, p_under, p_under_id, v_purpose, p_country,
            p_address, p_asked, p_outcome), 'UTF8')));
    IF entry % c_note = 0 THEN
        UPDATE clips_accessstream s SET noted_number = entry WHERE s.name = v_stream;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION sightline_access_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the access log is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE OR REPLACE TRIGGER access_entry_is_kept BEFORE UPDATE OR DELETE ON clips_accessentry
    FOR EACH ROW EXECUTE FUNCTION sightline_access_is_kept();
CREATE OR REPLACE TRIGGER access_entries_are_kept BEFORE TRUNCATE ON clips_accessentry
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_access_is_kept();
CREATE OR REPLACE TRIGGER access_stream_is_kept BEFORE DELETE ON clips_accessstream
    FOR EACH ROW EXECUTE FUNCTION sightline_access_is_kept();
CREATE OR REPLACE TRIGGER access_stream_only_grows BEFORE UPDATE ON clips_accessstream
    FOR EACH ROW WHEN (NEW.name <> OLD.name OR NEW.noted_number < OLD.noted_number)
    EXECUTE FUNCTION sightline_access_is_kept();
CREATE OR REPLACE TRIGGER access_streams_are_kept BEFORE TRUNCATE ON clips_accessstream
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_access_is_kept();
