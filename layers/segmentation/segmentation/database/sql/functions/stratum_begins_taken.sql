-- Return whether the draw of a stratum fell on the arrival that lies across its beginning.
-- The arrival across two strata is drawn by the second one if its draw allows that, unless it was drawn by the first.
-- So the answer depends on the stratum before in a few cases only, and the loop ends after two steps on average.
create or replace function stratum_begins_taken(
    p_seed bigint, p_share integer, p_phase integer, p_begins_taken boolean, p_stratum bigint)
    returns boolean
language plpgsql immutable parallel safe
as $$
declare
    v_stratum bigint := p_stratum;
    v_before integer;  -- the part of the arrival that lies in the stratum before
    v_head integer;
begin
    loop
        if v_stratum = 0 then
            return p_begins_taken;
        end if;
        v_before := (10000 * v_stratum - p_phase) % p_share;
        if v_before = 0 or (hashint8extended(v_stratum, p_seed) >> 32 & 2147483647) % (10000 - v_before)
                           >= p_share - v_before then
            return false;
        end if;
        v_stratum := v_stratum - 1;
        v_head := stratum_head(p_share, p_phase, v_stratum);
        if stratum_draw(p_seed, v_head, v_stratum) < 10000 - v_before then
            return true;
        end if;
    end loop;
end
$$;
