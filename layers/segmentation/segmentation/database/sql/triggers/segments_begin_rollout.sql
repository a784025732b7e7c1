-- Fires for a segment that has a percent, whatever wrote it.
create or replace trigger segments_begin_rollout after insert or update of user_percent on segments for each row
    when (new.user_percent is not null)
    execute function begin_rollout();
