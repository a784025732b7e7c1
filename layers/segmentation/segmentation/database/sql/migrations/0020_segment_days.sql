-- The size of each segment by day (UTC), and how far the history is counted.
-- A day without a change has no row: its members are those of the last row before it.
-- The rows are sums without a user. They stay when a segment is deleted or a user erased. There is no foreign key: its
-- check would lock the segment's row, for which a deletion of users can wait (functions/shift_segment_days.sql).
create table if not exists segment_days (
    segment_id integer not null,
    day date not null,
    -- At the end of the day. Of today: at size_progress.counted_until.
    members bigint not null,
    added bigint not null default 0,
    removed bigint not null default 0,
    constraint segment_days_one_per_segment_and_day primary key (segment_id, day)
);

create table if not exists size_progress (
    is_only_row boolean primary key default true constraint size_progress_is_one_row check (is_only_row),
    -- Every operation from the one instant until before the other is counted, and no other.
    counted_from timestamptz not null,
    counted_until timestamptz not null,
    -- The members at the first counted instant are known for the users up to this id. Null: for all users.
    opened_until bigint,
    -- No operation is before counted_from.
    is_complete boolean not null default false,
    constraint size_progress_in_order check (counted_from <= counted_until)
);

grant select on segment_days, size_progress to segmentation_app;

-- An empty database has nothing to count. Its days begin now.
insert into size_progress (counted_from, counted_until, is_complete)
select began.at, began.at, true
  from (select clock_timestamp() as at) began
 where not exists (select from history) and not exists (select from memberships)
    on conflict do nothing;
