-- Add what a failed job did to the change that ordered it, before the job is deleted. The change log outlives the job.
-- A succeeded job has added its numbers at its end.
create or replace function keep_count_of_job() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update segment_changes
       set users_added = segment_changes.users_added + coalesce((old.progress ->> 'added')::bigint, 0),
           users_deleted = segment_changes.users_deleted
               + coalesce((old.progress ->> 'deleted')::bigint, (old.progress ->> 'done')::bigint, 0)
     where segment_changes.job_id = old.job_id;
    return old;
end
$$;

revoke all on function keep_count_of_job() from public;
