-- The feed of events: its index, and how far it is settled and published.

-- The feed reads the history in the order of the ids. Ids grow with the pages of a partition, so the smallest kind of
-- index is enough, and it costs the writers nearly nothing. New pages are summarized soon after they are full.
-- With a long history, create this index of each partition "concurrently" by hand first. This statement then only
-- attaches them.
create index if not exists history_by_id on history
    using brin (history_id) with (pages_per_range = 16, autosummarize = on);

-- One row, or none before the first run of the schedule.
create table feed (
    feed_id boolean primary key default true,
    -- Each row of the history up to this id is committed, or will never exist.
    settled_id bigint not null default 0,
    -- The EventBridge bus that gets the events, and the last event that it has. Both are null without a bus.
    bus text,
    published_id bigint,
    -- When the bus last had every event.
    complete_at timestamptz,
    constraint feed_has_one_row check (feed_id)
);

grant select, insert, update on feed to segmentation_app;
