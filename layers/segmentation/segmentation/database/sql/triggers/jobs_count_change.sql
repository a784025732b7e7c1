-- Fires once for a job that changed the users of a segment, when it succeeds.
create or replace trigger jobs_count_change after update of status on jobs for each row
    when (new.status = 'succeeded' and old.status <> 'succeeded' and new.kind in ('rollout', 'segment_removal'))
    execute function count_change_of_job();
