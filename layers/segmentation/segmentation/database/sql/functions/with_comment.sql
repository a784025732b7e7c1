-- Return the actor, and set the comment that the rows of this transaction carry, or none.
-- It is an argument of functions that write in the name of an actor. Their signatures stay as they are, so the previous
-- release can call them too. Postgres inlines it, so a request without a comment costs one comparison.
create or replace function with_comment(p_actor text, p_comment text) returns text
language sql
as $$
    select case when p_comment is not null or coalesce(current_setting('segmentation.comment', true), '') <> ''
                then set_comment(p_actor, p_comment)
                else p_actor end
$$;
