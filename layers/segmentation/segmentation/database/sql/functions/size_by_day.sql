-- Return the size of a live segment by day, from one day until before another, as the JSON of SegmentSize.
-- By default the days are the last 30 and today. All is null for an unknown slug, and "body" for more than p_most days.
-- Days before the segment's creation, before the first counted day, or in the future are left out.
-- The rows of the days that are counted to their end are written as they are. The operations since the counted time are
-- added to the days after them. A range that ends before these days does not read the operations.
-- The function is stable: all its statements see the same snapshot.
create or replace function size_by_day(
    p_slug text, p_since date, p_until date, p_most integer, out since date, out until date, out body text)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
    set datestyle = 'ISO'
as $$
#variable_conflict use_column
declare
    v_today date;
    v_segment_id integer;
    v_counted_until timestamptz;
    v_first date;
    v_end date;
    v_open date;
    v_members bigint;
    v_counted_days text;
    v_open_days text;
begin
    select segments.segment_id, counted_days.counted_until,
           case when counted_days.first_day is not null
                then greatest((segments.created_at at time zone 'UTC')::date, counted_days.first_day) end
      into v_segment_id, v_counted_until, v_first
      from segments
      left join counted_days on true
     where segments.slug = p_slug and segments.deleted_at is null;
    if v_segment_id is null then
        return;
    end if;
    v_today := (clock_now() at time zone 'UTC')::date;
    until := coalesce(p_until, v_today + 1);
    since := coalesce(p_since, until - 31);
    if until - since > p_most then
        return;
    end if;

    v_first := case when v_first is not null then greatest(v_first, since) end;
    v_end := least(until, v_today + 1);
    v_open := (v_counted_until at time zone 'UTC')::date;
    if v_first < least(v_open, v_end) then
        v_counted_days := counted_days_as_json(v_segment_id, v_first, least(v_open, v_end));
    end if;
    if v_first < v_end and v_open < v_end then
        v_members := members_at_end_of(v_segment_id, v_open - 1);
        select string_agg(size_of_day_as_json(shown.day, shown.members::bigint, shown.added, shown.removed), ','
                          order by shown.day)
          into v_open_days
          from (select changed.day, sum(changed.added)::bigint as added, sum(changed.removed)::bigint as removed,
                       v_members + sum(sum(changed.added - changed.removed)) over (order by changed.day) as members
                  from (select v_open + number as day, 0 as added, 0 as removed
                          from generate_series(0, v_end - v_open - 1) number
                         union all
                        select segment_days.day, segment_days.added, segment_days.removed
                          from segment_days
                         where segment_days.segment_id = v_segment_id
                           and segment_days.day >= v_open and segment_days.day < v_end
                         union all
                        select live.day, live.added, live.removed
                          from changes_of_size_since(v_segment_id, v_counted_until) live) changed
                 where changed.day < v_end
                 group by changed.day) shown
         where shown.day >= v_first;
    end if;
    body := concat('{"days":[', concat_ws(',', v_counted_days, v_open_days), ']}');
end
$$;
