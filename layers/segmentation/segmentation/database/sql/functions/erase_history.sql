-- Delete the history of a user who is not there any more, and return the number of rows.
-- The history of an existing user stays. An unknown user can arrive while the history is being erased. One snapshot
-- therefore answers both questions: whether the user exists, and which rows there are.
-- The comments that nothing else refers to are deleted too: no other user's history, no change of a segment, no job
-- that still runs. Erasures do that one after another, by the lock of every deletion of a user. Each of two could
-- otherwise see rows that the other one is erasing, and leave the comment to it.
create or replace function erase_history(p_user_id bigint) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_rows bigint;
    v_causes bigint[];
begin
    with erased as (
        delete from history
         where history.user_id = p_user_id
           and not exists (select from users where users.user_id = p_user_id)
     returning history.cause_id)
    select count(*), array_agg(distinct erased.cause_id) filter (where erased.cause_id is not null)
      into v_rows, v_causes
      from erased;
    if v_causes is not null then
        perform hold_percents();
        delete from causes
         where causes.cause_id = any (v_causes)
           and not exists (select from history where history.cause_id = causes.cause_id)
           and not exists (select from segment_changes where segment_changes.cause_id = causes.cause_id)
           and not exists (
               select from jobs where jobs.cause_id = causes.cause_id and jobs.finished_at is null);
    end if;
    return v_rows;
end
$$;

revoke all on function erase_history(bigint) from public;
grant execute on function erase_history(bigint) to segmentation_app;
