-- Enrol the users whom a statement inserts in the percent segments, all in one statement.
-- A segment in "by_hand" does not enrol them, because the request itself decides about it.
create or replace function admit_users() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_by_hand constant integer[] := coalesce(nullif(current_setting('segmentation.by_hand', true), ''), '{}');
    v_ordinals bigint[];
begin
    perform from segments where segments.user_percent > 0 and segments.deleted_at is null limit 1;
    if not found then
        return null;
    end if;
    v_ordinals := array(select arrived.ordinal from arrived);
    insert into memberships (user_id, segment_id, added_at, source)
    select arrived.user_id, enrolled.segment_id, (select next_moment()), 'percent'
      from enrolled_arrivals(v_ordinals) enrolled
      join arrived on arrived.ordinal = enrolled.ordinal
     where enrolled.segment_id <> all (v_by_hand)
     order by arrived.user_id, enrolled.segment_id
        on conflict do nothing;
    return null;
end
$$;

revoke all on function admit_users() from public;
