-- Fires once per statement, so a bulk deletion pays once. No deletion can bypass the trigger, so the history is complete.
create or replace trigger memberships_record_exits after delete on memberships
    referencing old table as gone for each statement execute function record_exits();
