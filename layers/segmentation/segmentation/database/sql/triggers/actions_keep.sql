-- The history names actions by id without a foreign key: an action that is in use must stay.
create or replace trigger actions_keep before delete on actions for each row execute function refuse_kept_action();
