-- Return the number of members that a segment had at the end of a counted day.
-- That is the number of the last row until then. Before the first row, it is the number with which that row began.
-- A function in the language SQL would be planned in each statement.
create or replace function members_at_end_of(p_segment_id integer, p_day date) returns bigint
language plpgsql stable
as $$
declare
    v_members bigint;
begin
    select segment_days.members into v_members
      from segment_days
     where segment_days.segment_id = p_segment_id and segment_days.day <= p_day
     order by segment_days.day desc
     limit 1;
    if not found then
        select segment_days.members - segment_days.added + segment_days.removed into v_members
          from segment_days
         where segment_days.segment_id = p_segment_id and segment_days.day > p_day
         order by segment_days.day
         limit 1;
    end if;
    return coalesce(v_members, 0);
end
$$;
