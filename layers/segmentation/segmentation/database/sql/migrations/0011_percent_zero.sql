-- A segment may have a percent of 0: it has no automatic members, and changes by hand count.
alter table segments drop constraint segments_percent_range;
alter table segments add constraint segments_percent_range check (user_percent between 0 and 100);

-- Many clients write 0 for a segment without a percent, so each arrival must not read these segments. The index
-- segments_with_percent stays for the previous code, and a later release drops it.
create index if not exists segments_enrolling on segments (segment_id) where user_percent > 0 and deleted_at is null;
