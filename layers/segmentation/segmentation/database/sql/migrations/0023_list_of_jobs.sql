-- The list of jobs, and the deletion of jobs that ended long ago.

create index if not exists jobs_in_order on jobs (created_at, job_id);
create index if not exists jobs_finished on jobs (finished_at) where finished_at is not null;

grant delete on jobs to segmentation_app;
