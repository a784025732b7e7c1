-- Return an event as JSON: an entry (1), an exit (2) or a new lifetime (3).
-- Postgres inlines the function.
create or replace function event_as_json(
    p_action_id integer, p_reason text, p_actor text, p_executed_at timestamptz, p_expires_at timestamptz,
    p_percent numeric, p_comment text) returns json
language sql stable
as $$
    select json_build_object(
        'operation', case p_action_id when 1 then 'I' when 2 then 'D' else 'U' end,
        'reason', p_reason, 'actor', p_actor, 'executed_at', p_executed_at, 'expires_at', p_expires_at,
        'percent', p_percent, 'comment', p_comment)
$$;
