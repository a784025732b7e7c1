-- Set the stored comment that the rows of this transaction carry, or none if it is null. Return the actor.
-- A job calls it: its rows carry the comment of the request that ordered it.
create or replace function with_cause(p_actor text, p_cause_id bigint) returns text
language plpgsql
as $$
begin
    perform set_config('segmentation.cause_id', coalesce(p_cause_id::text, ''), true),
            set_config('segmentation.comment', '', true);
    return p_actor;
end
$$;
