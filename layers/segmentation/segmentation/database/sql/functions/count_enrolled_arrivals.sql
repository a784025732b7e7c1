-- Return how many users the rule of a segment has enrolled after a number of arrivals since its base.
-- This is the count at the base, plus the draws since. An arrival before the base counts by until_base.
create or replace function count_enrolled_arrivals(p_segment_id integer, p_arrivals bigint) returns bigint
language plpgsql stable
as $$
declare
    v_rule record;
    v_place bigint;
    v_stratum bigint;
    v_drawn bigint;
begin
    select arrival_rules.* into v_rule from arrival_rules where arrival_rules.segment_id = p_segment_id;
    if p_arrivals < 0 then
        return v_rule.taken + case when v_rule.until_base then p_arrivals else 0 end;
    end if;
    v_place := v_rule.phase + p_arrivals * v_rule.share;
    v_stratum := v_place / 10000;
    v_drawn := v_stratum - v_rule.begins_taken::integer;
    if stratum_draw(v_rule.seed, stratum_head(v_rule.share, v_rule.phase, v_stratum), v_stratum) < v_place % 10000
       or stratum_begins_taken(v_rule.seed, v_rule.share, v_rule.phase, v_rule.begins_taken, v_stratum) then
        v_drawn := v_drawn + 1;
    end if;
    return v_rule.taken + case when v_rule.is_inverted then p_arrivals - v_drawn else v_drawn end;
end
$$;
