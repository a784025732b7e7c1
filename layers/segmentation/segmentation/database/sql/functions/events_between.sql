-- Return the rows of the history after one id, up to another, as events: in the order of the ids, at most p_most.
-- "||" takes half of the time of format(). The grammar of slugs permits no character that JSON escapes. The built-in
-- actions are named here, because a join takes longer. Most instants have six digits after the second, or none:
-- to_json() writes these in less time than instant_as_json().
-- Few rows have a cause, so the comment of each is looked up by itself.
-- The plan is made once per session, because planning for all partitions takes longer than the read.
create or replace function events_between(p_after bigint, p_until bigint, p_most integer)
    returns table (event_id bigint, slug text, text text)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
as $$
#variable_conflict use_column
begin
    return query
    select page.history_id, page.slug,
           '{"event_id":' || page.history_id
           || case page.action_id
                  when 1 then ',"event":"added","user_id":'
                  when 2 then ',"event":"deleted","user_id":'
                  when 3 then ',"event":"lifetime_changed","user_id":'
                  else ',"event":' || (
                      select to_json(actions.name) from actions where actions.action_id = page.action_id) || ',"user_id":'
              end
           || page.user_id || ',"slug":"' || page.slug || '","reason":"' || page.reason || '","actor":'
           || to_json(page.actor)
           || case
                  when page.cause_id is null then ',"comment":null,"expires_at":'
                  else ',"comment":' || coalesce(
                      (select to_json(causes.comment)::text from causes where causes.cause_id = page.cause_id), 'null')
                      || ',"expires_at":'
              end
           || case when page.expires_at is null then 'null' else instant_as_json(page.expires_at) end
           || ',"executed_at":'
           || case
                  when length(page.executed) in (21, 28) then left(page.executed, -1) || 'Z"}'
                  else instant_as_json(page.executed_at) || '}'
              end
      from (select history.history_id, history.user_id, history.slug, history.action_id, history.reason, history.actor,
                   history.cause_id, history.expires_at, history.executed_at,
                   to_json(history.executed_at at time zone 'UTC')::text as executed
              from history
             where history.history_id > p_after and history.history_id <= p_until
             order by history.history_id
             limit p_most) page
     order by page.history_id;
end
$$;
