-- Refuse to delete an action that is built in or that the history uses.
-- The check of the history repeats "action_id > 3", which is the condition of the index history_by_custom_action.
create or replace function refuse_kept_action() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if old.operation <> 'A' then
        raise integrity_constraint_violation using constraint = 'actions_keep_built_in';
    end if;
    if exists (select from history where history.action_id = old.action_id and history.action_id > 3) then
        raise integrity_constraint_violation using constraint = 'actions_keep_used';
    end if;
    return old;
end
$$;
