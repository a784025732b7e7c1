-- Return why a user is not in the segments that have no membership of the user now, as membership_evidence finds it:
-- - a row for each segment whose last entry, exit or new lifetime is an exit;
-- - a row without a segment, for all segments that the user has never entered.
-- The function reads at most the last hundred operations of the user, because custom actions make a history long
-- without a bound. With a hundred of them the row without a segment is missing: an older exit may exist.
-- The function is stable: it sees the same snapshot as the query that calls it.
create or replace function reasons_outside(p_user_id bigint) returns table (segment_id integer, because text)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $$
#variable_conflict use_column
begin
    return query
      with recent as materialized (
           select history.segment_id, history.action_id, history.reason, history.executed_at, history.history_id
             from history
            where history.user_id = p_user_id
            order by history.executed_at desc, history.history_id desc
            limit 100)
    select ended.segment_id,
           case ended.reason
               when 'manual' then 'removed_by_hand'
               when 'import' then 'removed_by_import'
               when 'ttl' then 'expired'
               when 'percent' then 'percent_lowered'
               else ended.reason::text
           end
      from (select distinct on (recent.segment_id) recent.segment_id, recent.action_id, recent.reason
              from recent
             where recent.action_id <= 3
             order by recent.segment_id, recent.executed_at desc, recent.history_id desc) ended
     where ended.action_id = 2
     union all
    select null,
           case
               when last.action_id = 2 and last.reason = 'user_deleted'
                    and (users.created_at > last.executed_at) is not true then 'user_deleted'
               when last.action_id is null and users.user_id is null then 'user_unknown'
               else 'never_entered'
           end
      from (select) one
      left join lateral (
           select recent.action_id, recent.reason, recent.executed_at
             from recent
            order by recent.executed_at desc, recent.history_id desc
            limit 1) last on true
      left join users on users.user_id = p_user_id
     where (select count(*) from recent) < 100;
end
$$;
