-- Return the number of members that a segment had at the end of a counted day.
-- That is the number of the last row until then. Before the first row, it is the number with which that row began.
create or replace function members_at_end_of(p_segment_id integer, p_day date) returns bigint
language sql stable
as $$
    select coalesce(
        (select segment_days.members
           from segment_days
          where segment_days.segment_id = p_segment_id and segment_days.day <= p_day
          order by segment_days.day desc
          limit 1),
        (select segment_days.members - segment_days.added + segment_days.removed
           from segment_days
          where segment_days.segment_id = p_segment_id and segment_days.day > p_day
          order by segment_days.day
          limit 1),
        0)
$$;
