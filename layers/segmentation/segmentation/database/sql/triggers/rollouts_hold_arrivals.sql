-- Fires for the previous release only. This release creates rollouts by a trigger on "segments".
create or replace trigger rollouts_hold_arrivals before insert on rollouts for each statement
    when (pg_trigger_depth() = 0)
    execute function hold_arrivals_for_previous_release();
