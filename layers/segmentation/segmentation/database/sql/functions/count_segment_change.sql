-- Write into the change log how many users the last change of this transaction added and removed.
-- p_job_id is the job that adds or removes the others. If that change has no row, for example for the same percent once
-- more, nothing is written.
create or replace function count_segment_change(
    p_segment_id integer, p_users_added bigint, p_users_deleted bigint, p_job_id uuid) returns void
language sql security definer set search_path = public, pg_temp
as $$
    update segment_changes
       set users_added = segment_changes.users_added + p_users_added,
           users_deleted = segment_changes.users_deleted + p_users_deleted,
           job_id = coalesce(p_job_id, segment_changes.job_id)
     where segment_changes.change_id = nullif(current_setting('segmentation.change_id', true), '')::bigint
       and segment_changes.segment_id = p_segment_id
$$;

revoke all on function count_segment_change(integer, bigint, bigint, uuid) from public;
grant execute on function count_segment_change(integer, bigint, bigint, uuid) to segmentation_app;
