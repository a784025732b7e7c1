-- Write an entry into the history for each inserted membership.
-- An entry by a percent names the percent and the actor who set it, also if another request created the user.
-- An entry carries the comment of the request. The entry of a new user by a percent has none. Another trigger
-- (admit_users) inserts it, so pg_trigger_depth() is above 1.
-- "offset 0" makes Postgres look up each segment by itself, as in change_user_segments.
-- The INSERT counts its own rows: the condition with nextval is always true, and Postgres evaluates it once per row.
create or replace function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_actor constant text := history_actor();
    v_has_cause constant boolean := pg_trigger_depth() = 1 and has_cause();
begin
    insert into history (
        user_id, segment_id, slug, action_id, reason, actor, percent, cause_id, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segment.slug, 1, entered.source,
           case when entered.source = 'percent' then coalesce(segment.percent_set_by, v_actor) else v_actor end,
           case when entered.source = 'percent' then segment.user_percent end,
           case when v_has_cause then history_cause() end,
           entered.expires_at, entered.added_at
      from entered
     cross join lateral (
           select segments.slug, segments.user_percent, segments.percent_set_by
             from segments
            where segments.segment_id = entered.segment_id
           offset 0) segment
     where nextval('operations_added') > 0;
    return null;
end
$$;
