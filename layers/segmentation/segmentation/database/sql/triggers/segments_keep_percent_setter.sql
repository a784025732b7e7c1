-- Fires for each percent that is set, also for the same one again.
create or replace trigger segments_keep_percent_setter before insert or update of user_percent on segments for each row
    execute function keep_percent_setter();
