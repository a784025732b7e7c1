-- Fires once per statement, so a bulk insert pays once. No insert can bypass the trigger, so the history is complete.
create or replace trigger memberships_record_entries after insert on memberships
    referencing new table as entered for each statement execute function record_entries();
