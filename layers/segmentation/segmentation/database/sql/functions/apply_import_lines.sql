-- Apply the next lines of an import, in the order of user id and line, and store their verdicts.
-- The first line of a user counts. Later lines of the user are "duplicate", also in the next call, which gets the user
-- and the line to continue after.
-- Lines without a stored verdict are "added" or "removed". A dry run finds the same verdicts and changes no membership.
-- The caller has called hold_segment. change_segment_users has the reasons for the settings of the planner.
create or replace function apply_import_lines(
    p_import integer, p_segment_id integer, p_removes boolean, p_ttl integer, p_expires_at timestamptz,
    p_dry_run boolean, p_after_user bigint, p_after_line bigint, p_limit integer, p_actor text,
    out last_user bigint, out last_line bigint, out lines integer, out added integer, out already integer,
    out removed integer, out absent integer, out duplicate integer, out over integer)
language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
declare
    v_moment timestamptz;
    v_lines bigint[];
    v_users bigint[];
    v_ttls integer[];
    v_ends timestamptz[];
    v_repeated bigint[];
    v_outcomes text[];
begin
    select count(*), (array_agg(batch.user_id))[count(*)], (array_agg(batch.line))[count(*)],
           coalesce(array_agg(batch.line) filter (where batch.is_repeated), '{}'),
           coalesce(array_agg(batch.line) filter (where not batch.is_repeated), '{}'),
           coalesce(array_agg(batch.user_id) filter (where not batch.is_repeated), '{}'),
           coalesce(array_agg(case when batch.expires_at is null then coalesce(batch.ttl, p_ttl) end)
                    filter (where not batch.is_repeated), '{}'),
           coalesce(array_agg(case when batch.ttl is null then coalesce(batch.expires_at, p_expires_at) end)
                    filter (where not batch.is_repeated), '{}')
      into lines, last_user, last_line, v_repeated, v_lines, v_users, v_ttls, v_ends
      from (select next.line, next.user_id, next.ttl, next.expires_at,
                   next.user_id = lag(next.user_id, 1, p_after_user) over () as is_repeated
              from (select import_lines.line, import_lines.user_id, import_lines.ttl, import_lines.expires_at
                      from import_lines
                     where import_lines.import_number = p_import and import_lines.given is null
                       and (import_lines.user_id, import_lines.line) > (p_after_user, p_after_line)
                     order by import_lines.user_id, import_lines.line
                     limit p_limit) next) batch;

    if p_dry_run then
        v_moment := clock_now();
        v_outcomes := array(
            select case when p_removes and member.is_active then 'removed'
                        when p_removes then 'absent'
                        when named.ends_at <= v_moment then 'over'
                        when member.is_active then 'already'
                        else 'added' end
              from unnest(v_users, v_ends) with ordinality named (user_id, ends_at, position)
             cross join lateral (
                   select exists (
                          select from memberships
                           where memberships.user_id = named.user_id and memberships.segment_id = p_segment_id
                             and is_active(memberships.expires_at)
                          offset 0)) member (is_active)
             order by named.position);
    elsif p_removes then
        v_outcomes := array(
            select changed.outcome
              from change_segment_users(p_segment_id, '{}', '{}', '{}', v_users, p_actor, 'import') changed
             order by changed.user_id);
    else
        v_outcomes := array(
            select changed.outcome
              from change_segment_users(p_segment_id, v_users, v_ttls, v_ends, '{}', p_actor, 'import') changed
             order by changed.user_id);
    end if;

    update import_lines
       set verdict = 'duplicate'
     where import_lines.import_number = p_import and import_lines.line = any (v_repeated);
    update import_lines
       set verdict = case judged.outcome when 'over' then 'invalid' else judged.outcome end,
           detail = case judged.outcome when 'over' then 'the lifetime is over' end
      from unnest(v_lines, v_outcomes) judged (line, outcome)
     where import_lines.import_number = p_import and import_lines.line = judged.line
       and judged.outcome in ('already', 'absent', 'over');

    duplicate := cardinality(v_repeated);
    select count(*) filter (where judged.outcome = 'added'), count(*) filter (where judged.outcome = 'already'),
           count(*) filter (where judged.outcome = 'removed'), count(*) filter (where judged.outcome = 'absent'),
           count(*) filter (where judged.outcome = 'over')
      into added, already, removed, absent, over
      from unnest(v_outcomes) judged (outcome);
end
$$;
