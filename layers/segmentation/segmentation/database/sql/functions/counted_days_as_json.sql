-- Return the sizes of a segment as JSON, from one counted day until before another, separated by commas.
-- A day without a row has the members of the last row before it. Most segments in use have a row for each day, so these
-- rows are written first, and the days between them only if there are some.
-- The caller has the settings for its plans: to set them takes longer than the plans do.
create or replace function counted_days_as_json(p_segment_id integer, p_since date, p_until date) returns text
language plpgsql stable
as $$
declare
    v_rows integer;
    v_days text;
begin
    select count(*), string_agg(size_of_day_as_json(stored.day, stored.members, stored.added, stored.removed), ',')
      into v_rows, v_days
      from (select segment_days.day, segment_days.members, segment_days.added, segment_days.removed
              from segment_days
             where segment_days.segment_id = p_segment_id
               and segment_days.day >= p_since and segment_days.day < p_until
             order by segment_days.day) stored;
    if v_rows = p_until - p_since then
        return v_days;
    end if;

    select string_agg(
               case when known.after = 0
                    then size_of_day_as_json(known.day, known.members, known.added, known.removed)
                    else size_of_day_as_json(known.day + known.after, known.members, 0, 0) end,
               ',')
      into v_days
      from (select dated.day, dated.members, dated.added, dated.removed,
                   generate_series(0, dated.next_day - dated.day - 1) as after
              from (select stored.day, stored.members, stored.added, stored.removed,
                           lead(stored.day, 1, p_until) over (order by stored.day) as next_day
                      from (select segment_days.day, segment_days.members, segment_days.added, segment_days.removed
                              from segment_days
                             where segment_days.segment_id = p_segment_id
                               and segment_days.day >= p_since and segment_days.day < p_until
                             union all
                            select p_since, members_at_end_of(p_segment_id, p_since), 0, 0
                             where not exists (
                                   select from segment_days
                                    where segment_days.segment_id = p_segment_id and segment_days.day = p_since)
                           ) stored
                   ) dated
           ) known;
    return v_days;
end
$$;
