-- Delete the history of a user who is not there any more, and return the number of rows.
-- The history of an existing user stays. An unknown user can arrive while the history is being erased. One snapshot
-- therefore answers both questions: whether the user exists, and which rows there are.
-- A comment is deleted too if no other user's history, no change of a segment, no step of a schedule and no running job
-- has it. Erasures do that one after another, by the lock of every deletion of a user. Each of two could otherwise see
-- rows that the other one is erasing, and leave the comment to it. An import has a copy of its comment, which is deleted
-- with the comment.
-- The sizes of segments by day keep the user in their sums. Operations that are not counted yet are counted here.
-- Otherwise an entry could be counted, and its exit never. The lock blocks the counting until the transaction ends.
create or replace function erase_history(p_user_id bigint) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_progress size_progress;
    v_rows bigint;
    v_later jsonb;
    v_earlier jsonb;
    v_causes bigint[];
begin
    perform pg_advisory_xact_lock(10, 0);
    select * into v_progress from size_progress;
    with erased as (
        delete from history
         where history.user_id = p_user_id
           and not exists (select from users where users.user_id = p_user_id)
     returning history.segment_id, history.action_id, history.executed_at, history.cause_id),
    uncounted as (
        select erased.segment_id, (erased.executed_at at time zone 'UTC')::date as day,
               count(*) filter (where erased.action_id = 1) as added,
               count(*) filter (where erased.action_id = 2) as removed,
               erased.executed_at >= v_progress.counted_until as is_later
          from erased
         where (p_user_id > v_progress.opened_until) is not true
           and (erased.executed_at >= v_progress.counted_until
                or erased.executed_at < v_progress.counted_from and not v_progress.is_complete)
           and erased.action_id in (1, 2) and erased.segment_id is not null
         group by erased.segment_id, day, is_later)
    select (select count(*) from erased),
           (select array_agg(distinct erased.cause_id) from erased where erased.cause_id is not null),
           jsonb_agg(uncounted) filter (where uncounted.is_later),
           jsonb_agg(uncounted) filter (where not uncounted.is_later)
      into v_rows, v_causes, v_later, v_earlier
      from uncounted;
    perform shift_segment_days(
                array_agg(changed.segment_id), array_agg(changed.day), array_agg(changed.added),
                array_agg(changed.removed), side.is_later)
       from (values (v_later, true), (v_earlier, false)) side (changes, is_later)
      cross join lateral jsonb_to_recordset(side.changes)
            changed (segment_id integer, day date, added bigint, removed bigint)
      group by side.is_later;
    if v_causes is not null then
        perform hold_percents();
        with deleted as (
            delete from causes
             where causes.cause_id = any (v_causes)
               and not exists (select from history where history.cause_id = causes.cause_id)
               and not exists (select from segment_changes where segment_changes.cause_id = causes.cause_id)
               and not exists (select from segment_steps where segment_steps.cause_id = causes.cause_id)
               and not exists (
                   select from jobs where jobs.cause_id = causes.cause_id and jobs.finished_at is null)
         returning causes.cause_id)
        update imports
           set comment = null
          from jobs
          join deleted on deleted.cause_id = jobs.cause_id
         where imports.job_id = jobs.job_id;
    end if;
    return v_rows;
end
$$;

revoke all on function erase_history(bigint) from public;
grant execute on function erase_history(bigint) to segmentation_app;
