-- Return what is recorded about a user and a segment up to an instant, or up to now if it is null, in one round trip.
-- For an instant in the future only the clock is returned, and for an unknown slug only the clock and the instant.
-- "events" are the operations of operations_before, newest first. If none is an entry, an exit or a new lifetime, the
-- other facts are looked up:
-- - "kept" is a membership that is known only from later facts, because the month of its entry was dropped.
-- - A user is known from the first operation or, without one, from the creation.
-- - "user_deletion" is the user's last operation, if it is an exit by a deletion of the user.
-- The function is stable: all its statements see the same snapshot.
create or replace function membership_evidence(
    p_user_id bigint, p_slug text, p_at timestamptz,
    out clock timestamptz, out instant timestamptz, out segment_id integer, out slug text, out percent numeric,
    out created_at timestamptz, out deletion jsonb, out events json, out kept jsonb, out user_known boolean,
    out user_deletion jsonb)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_has_state boolean;
begin
    clock := clock_now();
    if p_at > clock then
        return;
    end if;
    instant := coalesce(p_at, clock);
    segment_id := segment_named(p_slug, instant);
    if segment_id is null then
        return;
    end if;

    select named.slug, named.user_percent, segments.created_at,
           case when segments.deleted_at <= instant then jsonb_build_object(
               'operation', 'D', 'reason', 'segment_deleted', 'actor', segments.deleted_by,
               'executed_at', segments.deleted_at, 'comment', causes.comment) end
      into slug, percent, created_at, deletion
      from segments
     cross join segment_at(segments.segment_id, instant) named
      left join causes on causes.cause_id = segments.deleted_cause_id
     where segments.segment_id = membership_evidence.segment_id;
    select coalesce(json_agg(json_build_object(
               'slug', found.slug, 'operation', actions.operation, 'action', actions.name, 'reason', found.reason,
               'actor', found.actor, 'comment', causes.comment, 'percent', found.percent,
               'expires_at', found.expires_at, 'executed_at', found.executed_at)
               order by found.executed_at desc, found.history_id desc), '[]'),
           coalesce(bool_or(found.action_id <= 3), false)
      into events, v_has_state
      from operations_before(p_user_id, membership_evidence.segment_id, instant) found
      join actions on actions.action_id = found.action_id
      left join causes on causes.cause_id = found.cause_id;
    if v_has_state then
        return;
    end if;

    select jsonb_build_object(
               'reason', case when present.source is not null then present.source
                              when later.reason = 'percent' then 'percent' else 'manual' end,
               'added_at', present.added_at,
               'expires_at', case when later.action_id is null then present.expires_at else later.expires_at end)
      into kept
      from (select) one
      left join lateral (
           select history.action_id, history.reason, history.expires_at
             from history
            where history.user_id = p_user_id and history.segment_id = membership_evidence.segment_id
              and history.executed_at > instant and history.action_id <= 3
            order by history.executed_at, history.history_id
            limit 1) later on true
      left join memberships present
        on present.user_id = p_user_id and present.segment_id = membership_evidence.segment_id
       and present.added_at <= instant
     where later.action_id in (2, 3) or (later.action_id is null and present.added_at is not null);

    select last.executed_at is not null or arrived.created_at is not null,
           case when last.action_id = 2 and last.reason = 'user_deleted'
                     and (arrived.created_at > last.executed_at) is not true
                then jsonb_build_object('operation', 'D', 'reason', last.reason, 'actor', last.actor,
                                        'executed_at', last.executed_at, 'comment', causes.comment) end
      into user_known, user_deletion
      from (select) one
      left join lateral (
           select history.action_id, history.reason, history.actor, history.cause_id, history.executed_at
             from history
            where history.user_id = p_user_id and history.executed_at <= instant
            order by history.executed_at desc, history.history_id desc
            limit 1) last on true
      left join users arrived on arrived.user_id = p_user_id and arrived.created_at <= instant
      left join causes on causes.cause_id = last.cause_id;
end
$$;
