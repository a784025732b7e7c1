-- Set the comment that the rows of this transaction carry, or none if it is null. Return the actor.
-- The call is the argument p_actor of functions that write. So their signatures stay as they are, and the previous
-- release can call them. Postgres inlines it, so a request without a comment costs one comparison.
create or replace function with_comment(p_actor text, p_comment text) returns text
language sql
as $$
    select case when p_comment is not null or coalesce(current_setting('segmentation.comment', true), '') <> ''
                then set_comment(p_actor, p_comment)
                else p_actor end
$$;
