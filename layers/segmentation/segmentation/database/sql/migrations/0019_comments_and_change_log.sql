-- Comments of requests, the change log of segments, and the owners of segments.

-- The comment of a request, once for all that the request changes. Rows refer to it without a foreign key, because the
-- history outlives everything else. The erasure of a user deletes the comments that only this user's history has.
create table causes (
    cause_id bigint generated always as identity primary key,
    comment text not null,
    constraint causes_comment_length check (length(comment) between 1 and 500),
    -- no control character except the line feed
    constraint causes_comment_without_controls
        check (comment !~ '[\u0001-\u0009\u000b-\u001f\u007f-\u009f]')
);

-- With a long history, run this line first, and create the index of each partition "concurrently" by hand. Then the
-- next statement only attaches them.
alter table history add column if not exists cause_id bigint;
-- An erasure asks whether other users' rows have a comment. Rows without one are not in the index.
create index if not exists history_by_cause on history (cause_id) where cause_id is not null;

alter table segments
    add column if not exists owner text,
    -- The comment of the deletion. The exits that a job or the sweep writes later carry it.
    add column if not exists deleted_cause_id bigint,
    add constraint segments_owner_length check (length(owner) between 1 and 100);

-- The comment of the request that ordered the job.
alter table jobs add column if not exists cause_id bigint;

-- Each creation, change and deletion of a segment. A trigger writes the rows. "before" and "after" have what changed.
create table segment_changes (
    change_id bigint generated always as identity primary key,
    segment_id integer not null references segments,
    changed_at timestamptz not null,
    change text not null,
    -- Null: the segment is older than the log, and its author is not known.
    actor text,
    cause_id bigint,
    before jsonb,
    after jsonb,
    -- The users that the change added and removed. A job adds its numbers at its end.
    users_added bigint not null default 0,
    users_deleted bigint not null default 0,
    job_id uuid,
    constraint segment_changes_known check (change in ('created', 'changed', 'deleted'))
);

-- The log of a deleted segment is found by its slug.
create index segments_deleted_slug on segments (slug, deleted_at) where deleted_at is not null;
create index segment_changes_in_order on segment_changes (segment_id, changed_at, change_id);
create index segment_changes_by_cause on segment_changes (cause_id) where cause_id is not null;
create index segment_changes_by_job on segment_changes (job_id) where job_id is not null;

-- Only triggers and functions with the owner's rights write here.
grant select on causes, segment_changes to segmentation_app;
