-- Write an exit into the history for each deleted membership.
-- The exit is dated at the end of the lifetime or at the deletion of the segment, if that came before this removal.
-- Code that counts the removals passes the time by which it counts.
-- The exit is never before the entry, even if an entry was dated by another clock.
-- The actor of an exit from a deleted segment is the one who deleted the segment.
-- An exit carries the comment of the request, or of the deletion of the segment. The end of a lifetime has none.
-- "offset 0" makes Postgres look up each segment by itself, as in change_user_segments.
-- The INSERT counts its own rows: the condition with nextval is always true, and Postgres evaluates it once per row.
create or replace function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := coalesce(
        nullif(current_setting('segmentation.removed_at', true), '')::timestamptz, next_moment());
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
    v_has_cause constant boolean := has_cause();
begin
    insert into history (
        user_id, segment_id, slug, action_id, reason, actor, percent, cause_id, expires_at, executed_at)
    select gone.user_id, gone.segment_id, segment.slug, 2,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'ttl'
                when segment.deleted_at is not null then 'segment_deleted'
                else v_reason end,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'schedule'
                when segment.deleted_at is not null then coalesce(segment.deleted_by, v_actor)
                else v_actor end,
           case when v_reason = 'percent' and segment.deleted_at is null
                     and (gone.expires_at > v_moment) is not false
                then segment.user_percent end,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then null
                when segment.deleted_at is not null then segment.deleted_cause_id
                when v_has_cause then history_cause() end,
           gone.expires_at,
           greatest(least(gone.expires_at, segment.deleted_at, v_moment), gone.added_at)
      from gone
     cross join lateral (
           select segments.slug, segments.deleted_at, segments.deleted_by, segments.deleted_cause_id,
                  segments.user_percent
             from segments
            where segments.segment_id = gone.segment_id
           offset 0) segment
     where nextval('operations_deleted') > 0;
    return null;
end
$$;
