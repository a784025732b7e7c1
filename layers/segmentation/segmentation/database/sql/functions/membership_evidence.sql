-- Return what is recorded about a user and a segment up to an instant, or up to now if it is null, in one round trip.
-- For an instant in the future only the clock is returned, and for an unknown slug only the clock and the instant.
-- The usual segment has the slug now and has not changed since the instant. Another one is searched in the change log.
-- "operations" is the JSON of the last ten, oldest first. "last" is the last entry, exit or new lifetime, and "entry" the
-- last entry. Other facts are looked up only where these do not decide:
-- - "kept" is a membership that is known from other facts, because the month of its entry was dropped. Its source is that
--   of the present row. If it has ended since, it is a guess from the exit.
-- - A user is known from the first operation or, without one, from the creation.
-- - "user_deletion" is the user's last operation, if it is an exit by a deletion of the user.
-- The function is stable: all its statements see the same snapshot.
-- It is dropped first because CREATE OR REPLACE FUNCTION cannot change the columns of a result.
drop function if exists membership_evidence(bigint, text, timestamptz);

create or replace function membership_evidence(
    p_user_id bigint, p_slug text, p_at timestamptz,
    out clock timestamptz, out instant timestamptz, out segment_id integer, out slug text, out percent numeric,
    out created_at timestamptz, out deletion json, out operations text, out last json, out entry json, out kept jsonb,
    out user_known boolean, out user_deletion json)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_segment_id integer;
    v_is_due boolean;
begin
    clock := clock_now();
    if p_at > clock then
        return;
    end if;
    instant := coalesce(p_at, clock);
    select segments.segment_id, segments.slug, segments.user_percent, segments.created_at,
           memberships.expires_at <= instant
      into v_segment_id, slug, percent, created_at, v_is_due
      from segments
      left join memberships on memberships.user_id = p_user_id and memberships.segment_id = segments.segment_id
     where segments.slug = p_slug and segments.deleted_at is null
       and segments.created_at <= instant and segments.updated_at <= instant;
    if v_segment_id is null then
        v_segment_id := segment_named(p_slug, instant);
        select named.slug, named.user_percent, segments.created_at,
               memberships.expires_at <= instant or memberships.added_at is not null and segments.deleted_at <= instant,
               case when segments.deleted_at <= instant
                    then event_as_json(2, 'segment_deleted', segments.deleted_by, segments.deleted_at, null, null,
                                       causes.comment) end
          into slug, percent, created_at, v_is_due, deletion
          from segments
         cross join segment_at(segments.segment_id, instant) named
          left join memberships on memberships.user_id = p_user_id and memberships.segment_id = segments.segment_id
          left join causes on causes.cause_id = segments.deleted_cause_id
         where segments.segment_id = v_segment_id;
    end if;
    segment_id := v_segment_id;
    if v_segment_id is null then
        return;
    end if;

    with found as materialized (
        select found.*, causes.comment
          from operations_before(p_user_id, v_segment_id, instant, created_at, v_is_due) found
          left join causes on causes.cause_id = found.cause_id
         order by found.executed_at desc, found.history_id desc),
    shown as (
        select string_agg(
                   operation_as_json(newest.slug, actions.operation, actions.name, newest.reason::text, newest.actor,
                                     newest.comment, newest.expires_at, newest.executed_at),
                   ',' order by newest.executed_at, newest.history_id) as text
          from (select found.* from found limit 10) newest
          join actions on actions.action_id = newest.action_id)
    select coalesce(shown.text, ''),
           (select event_as_json(found.action_id, found.reason::text, found.actor, found.executed_at, found.expires_at,
                                 found.percent, found.comment)
              from found
             where found.action_id <= 3
             limit 1),
           (select event_as_json(found.action_id, found.reason::text, found.actor, found.executed_at, found.expires_at,
                                 found.percent, found.comment)
              from found
             where found.action_id = 1
             limit 1)
      into operations, last, entry
      from shown;
    if entry is not null or last ->> 'operation' = 'D' then
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
            where history.user_id = p_user_id and history.segment_id = v_segment_id
              and history.executed_at > instant and history.executed_at <= clock + interval '1 day'
              and history.action_id <= 3
            order by history.executed_at, history.history_id
            limit 1) later on true
      left join memberships present
        on present.user_id = p_user_id and present.segment_id = v_segment_id
       and present.added_at <= instant
     where later.action_id in (2, 3) or (later.action_id is null and present.added_at is not null);
    if last is not null then
        return;
    end if;

    select last.executed_at is not null or arrived.created_at is not null,
           case when last.action_id = 2 and last.reason = 'user_deleted'
                     and (arrived.created_at > last.executed_at) is not true
                then event_as_json(2, 'user_deleted', last.actor, last.executed_at, null, null, causes.comment) end
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
