-- Add the numbers of a finished job to the change that ordered it. The change log outlives the job.
create or replace function count_change_of_job() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update segment_changes
       set users_added = segment_changes.users_added + coalesce((new.result ->> 'users_added')::bigint, 0),
           users_deleted = segment_changes.users_deleted + coalesce((new.result ->> 'users_deleted')::bigint, 0)
     where segment_changes.job_id = new.job_id;
    return null;
end
$$;

revoke all on function count_change_of_job() from public;
