-- Set the comment that the rows of this transaction carry, or none if it is null. Return the actor.
-- The first row that carries the comment stores it (record_cause).
create or replace function set_comment(p_actor text, p_comment text) returns text
language plpgsql
as $$
begin
    perform set_config('segmentation.comment', coalesce(p_comment, ''), true),
            set_config('segmentation.cause_id', '', true);
    return p_actor;
end
$$;
