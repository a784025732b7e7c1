-- Delete the history of a user who is not there any more, and return the number of rows.
-- The history of an existing user stays. An unknown user can arrive while the history is being erased. One snapshot
-- therefore answers both questions: whether the user exists, and which rows there are.
create or replace function erase_history(p_user_id bigint) returns bigint
language sql security definer set search_path = public, pg_temp
as $$
    with erased as (
        delete from history
         where history.user_id = p_user_id
           and not exists (select from users where users.user_id = p_user_id)
     returning 1)
    select count(*) from erased
$$;

revoke all on function erase_history(bigint) from public;
grant execute on function erase_history(bigint) to segmentation_app;
