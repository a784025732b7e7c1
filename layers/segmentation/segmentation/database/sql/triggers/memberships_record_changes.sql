-- Fires once per statement, so a bulk update pays once. No update can bypass the trigger, so the history is complete.
create or replace trigger memberships_record_changes after update on memberships
    referencing old table as old_rows new table as new_rows for each statement execute function record_changes();
