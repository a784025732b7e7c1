-- Fires for each new job, also if the previous release orders it.
create or replace trigger jobs_keep_cause before insert on jobs for each row execute function keep_cause_of_job();
