-- Return an operation as the JSON of Operation. The slug and the names need no escape: constraints limit their
-- characters. Postgres inlines the function.
create or replace function operation_as_json(
    p_slug text, p_operation text, p_action text, p_reason text, p_actor text, p_comment text, p_expires_at timestamptz,
    p_executed_at timestamptz) returns text
language sql stable
as $$
    select concat(
        '{"slug":"', p_slug, '","operation":"', p_operation, '","action":"', p_action, '","reason":"', p_reason,
        '","actor":', to_json(p_actor), ',"comment":', coalesce(to_json(p_comment)::text, 'null'),
        ',"expires_at":', instant_as_json(p_expires_at), ',"executed_at":', instant_as_json(p_executed_at), '}')
$$;
