-- Fires for the deletion of a segment that enrols arrivals.
create or replace trigger segments_wait_for_arrivals before update of deleted_at on segments for each row
    when (old.deleted_at is null and new.deleted_at is not null and old.user_percent > 0)
    execute function wait_for_arrivals();
