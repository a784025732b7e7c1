-- Imports: a file of user ids becomes memberships of one segment. A job does the work.
create table imports (
    import_id uuid primary key default gen_random_uuid(),
    -- The number names the partition of the lines.
    import_number integer generated always as identity constraint imports_by_number unique,
    segment_id integer not null references segments,
    mode text not null,
    ttl integer,
    expires_at timestamptz,
    dry_run boolean not null,
    max_deletions bigint,
    actor text not null,
    comment text,
    -- Null until the import is started.
    job_id uuid constraint imports_once_per_job unique references jobs on delete cascade,
    created_at timestamptz not null default now(),
    constraint imports_mode_known check (mode in ('add', 'remove', 'replace')),
    constraint imports_comment_length check (length(comment) between 1 and 500)
);

create index imports_by_age on imports (created_at);

-- The lines of running imports, one partition for each. The functions create_import_lines and drop_import_lines make
-- and drop the partitions.
create table import_lines (
    import_number integer not null,
    -- The number of the line in the file, from 1.
    line bigint not null,
    -- Null if the line has no valid id.
    user_id bigint,
    ttl integer,
    expires_at timestamptz,
    -- The text of the user_id column, as a cell of a CSV file. Only invalid lines have it.
    given text,
    -- Null stands for "added" or "removed", so that most lines are never updated.
    verdict text,
    detail text,
    constraint import_lines_once primary key (import_number, line)
) partition by list (import_number);

-- The order in which lines are applied.
create index import_lines_by_user on import_lines (user_id, line) where given is null;
-- A replacing import keeps members whose line is invalid for another reason than its id.
create index import_lines_invalid_by_user on import_lines (user_id) where given is not null;

grant select, insert (segment_id, mode, ttl, expires_at, dry_run, max_deletions, actor, comment), update (job_id), delete
    on imports to segmentation_app;
grant select, insert, update (verdict, detail) on import_lines to segmentation_app;

-- An import that fails because its segment was deleted has a result: the verdicts so far.
alter table jobs drop constraint jobs_say_how_they_ended;
alter table jobs add constraint jobs_say_how_they_ended
    check ((result is null or finished_at is not null) and (result is not null or status <> 'succeeded')
           and (error is not null) = (status = 'failed'));
