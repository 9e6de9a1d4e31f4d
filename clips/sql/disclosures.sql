-- What owners were shown says all that it must, and stays as it is; so do the events of consent.

CREATE OR REPLACE FUNCTION sightline_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are only ever added', lower(TG_OP), TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation';
END
$$;
CREATE OR REPLACE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON clips_disclosure
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_only_added();
CREATE OR REPLACE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON clips_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_only_added();

CREATE OR REPLACE FUNCTION sightline_disclosure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_point text;
BEGIN
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.text, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'a disclosure''s digest is its text''s' USING ERRCODE = 'check_violation';
    END IF;
    FOREACH v_point IN ARRAY ARRAY['people', 'countries', 'why', 'how_long', 'how_to_stop'] LOOP
        IF coalesce(strpos(NEW.text, nullif(NEW.checklist ->> v_point, '')), 0) = 0 THEN
            RAISE EXCEPTION 'a disclosure says each point of the checklist; % is missing', v_point
                  USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER says_all BEFORE INSERT ON clips_disclosure FOR EACH ROW EXECUTE FUNCTION sightline_disclosure();
