-- The sweep and the month report read due memberships in this order, batch by batch. Each batch begins after the last
-- membership of the one before it, also among many that are due at one instant.
create index if not exists memberships_due on memberships (expires_at, user_id, segment_id)
    where expires_at is not null;
-- The new index begins with the same column. The previous code uses it as well.
drop index if exists memberships_by_expiry;

-- A month report notes the newest id when it begins. Exits with a later id were not recorded then.
grant select on sequence history_ids to segmentation_app;
