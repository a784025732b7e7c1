-- Fires for each step that is planned.
create or replace trigger segment_steps_keep_cause before insert on segment_steps for each row
    execute function keep_cause_of_step();
