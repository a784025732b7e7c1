-- Return the segments that a user was in at an instant, with the slugs and the lifetimes of that time.
-- The memberships are undone from the present (memberships_undone). If more than p_most_undone operations follow the
-- instant, at most p_most_folded precede it, and none of these is missing, the memberships are folded from the beginning
-- (memberships_folded).
-- No operation is after v_until. Without this bound, a plan begins to read each month that is kept ahead.
-- A lifetime that had ended and a segment that was deleted by then end a membership, whether or not its exit is written.
-- A segment that has not changed since has its slug of then. For another one, the change log is read.
-- The function is stable: all its statements see the same snapshot.
drop function if exists memberships_at(bigint, timestamptz);

create or replace function memberships_at(
    p_user_id bigint, p_at timestamptz, p_most_undone integer default 1000, p_most_folded integer default 2500)
    returns table (segment_id integer, slug text, added_at timestamptz, expires_at timestamptz)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_until constant timestamptz := clock_now() + interval '1 day';
    v_most integer := p_most_undone + 1;
    v_rows bigint;
    v_segments integer[];
    v_instants timestamptz[];
    v_begins timestamptz;
begin
    loop
        select sum(first.rows), array_agg(first.segment_id), array_agg(first.executed_at)
          into v_rows, v_segments, v_instants
          from (select later.segment_id, min(later.executed_at) filter (where later.action_id <= 3) as executed_at,
                       count(*) as rows
                  from (select history.segment_id, history.action_id, history.executed_at
                          from history
                         where history.user_id = p_user_id
                           and history.executed_at > p_at and history.executed_at <= v_until
                         order by history.executed_at
                         limit v_most) later
                 group by later.segment_id) first;
        exit when v_most is null or (v_rows >= v_most) is not true;
        perform from history
          where history.user_id = p_user_id and history.executed_at <= p_at
          order by history.executed_at desc
         offset p_most_folded
          limit 1;
        if not found then
            v_begins := complete_history_begins(p_user_id, p_at);
            exit when v_begins is not null;
        end if;
        v_most := null;  -- all of them
    end loop;

    return query
    select found.segment_id, coalesce(named.slug, segments.slug), found.added_at, found.expires_at
      from (select undone.segment_id, undone.added_at, undone.expires_at
              from memberships_undone(p_user_id, p_at, v_until, v_segments, v_instants) undone
             where v_begins is null
             union all
            select folded.segment_id, folded.added_at, folded.expires_at
              from memberships_folded(p_user_id, v_begins, p_at) folded
             where v_begins is not null) found
      join segments on segments.segment_id = found.segment_id
      left join lateral (
           select segment_changes.after ->> 'slug' as slug
             from segment_changes
            where segments.updated_at > p_at
              and segment_changes.segment_id = found.segment_id and segment_changes.changed_at <= p_at
              and segment_changes.after ? 'slug'
            order by segment_changes.changed_at desc, segment_changes.change_id desc
            limit 1) named on true
     where (found.expires_at > p_at) is not false
       and (segments.deleted_at > p_at) is not false;
end
$$;
