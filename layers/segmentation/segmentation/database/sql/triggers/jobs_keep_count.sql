-- Fires for a job that failed while it changed the users of a segment, and is deleted.
create or replace trigger jobs_keep_count before delete on jobs for each row
    when (old.status <> 'succeeded' and old.kind in ('rollout', 'segment_removal'))
    execute function keep_count_of_job();
