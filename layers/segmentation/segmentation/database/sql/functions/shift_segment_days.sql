-- Add changes to the sizes of segments by day. The changes of one segment and day are in one place of the arrays.
-- Each row must begin with the members with which the row before it ends. Changes after the counted time (p_is_later)
-- therefore change the members of their day and of all later rows. Changes before the counted time change those of all
-- earlier rows, because the members at the counted time are known.
-- The caller holds the advisory lock (10, 0), which every writer of the two tables takes.
create or replace function shift_segment_days(
    p_segment_ids integer[], p_days date[], p_added bigint[], p_removed bigint[], p_is_later boolean) returns void
language plpgsql
as $$
begin
    insert into segment_days (segment_id, day, members)
    select changed.segment_id, changed.day, members_at_end_of(changed.segment_id, changed.day)
      from unnest(p_segment_ids, p_days) changed (segment_id, day)
        on conflict do nothing;

    update segment_days
       set added = segment_days.added + shift.added,
           removed = segment_days.removed + shift.removed,
           members = segment_days.members + shift.members
      from (select shifted.segment_id, shifted.day,
                   coalesce(sum(changed.added) filter (where changed.day = shifted.day), 0) as added,
                   coalesce(sum(changed.removed) filter (where changed.day = shifted.day), 0) as removed,
                   coalesce(sum(changed.added - changed.removed) filter (where p_is_later), 0)
                   - coalesce(sum(changed.added - changed.removed)
                              filter (where not p_is_later and changed.day > shifted.day), 0) as members
              from unnest(p_segment_ids, p_days, p_added, p_removed) changed (segment_id, day, added, removed)
              join segment_days shifted
                on shifted.segment_id = changed.segment_id
               and case when p_is_later then shifted.day >= changed.day else shifted.day <= changed.day end
             group by shifted.segment_id, shifted.day) shift
     where segment_days.segment_id = shift.segment_id and segment_days.day = shift.day;
end
$$;

revoke all on function shift_segment_days(integer[], date[], bigint[], bigint[], boolean) from public;
