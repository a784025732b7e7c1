-- Read the next members of a segment in order of user id, and remove those whom no line of an import names.
-- With p_only_count, remove none. Members who entered after p_until do not count.
-- last_user is null if there are no further members.
-- The caller has called hold_segment, unless it only counts.
create or replace function take_unnamed_members(
    p_import integer, p_segment_id integer, p_until timestamptz, p_only_count boolean, p_after_user bigint,
    p_limit integer, p_actor text,
    out last_user bigint, out members integer, out unnamed integer)
language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
declare
    v_unnamed bigint[];
begin
    select (array_agg(next.user_id))[count(*)], count(*) filter (where next.is_member),
           coalesce(array_agg(next.user_id) filter (where next.is_member and not next.is_named), '{}')
      into last_user, members, v_unnamed
      from (select member.user_id, is_active(member.expires_at) and member.added_at <= p_until as is_member,
                   exists (select from import_lines
                            where import_lines.import_number = p_import and import_lines.given is null
                              and import_lines.user_id = member.user_id
                           offset 0)
                   or exists (select from import_lines
                               where import_lines.import_number = p_import and import_lines.given is not null
                                 and import_lines.user_id = member.user_id
                              offset 0) as is_named
              from (select memberships.user_id, memberships.added_at, memberships.expires_at
                      from memberships
                     where memberships.segment_id = p_segment_id and memberships.user_id > p_after_user
                     order by memberships.user_id
                     limit p_limit) member) next;
    unnamed := cardinality(v_unnamed);
    if not p_only_count and unnamed > 0 then
        select count(*) filter (where changed.outcome = 'removed')
          into unnamed
          from change_segment_users(p_segment_id, '{}', '{}', '{}', v_unnamed, p_actor, 'import') changed;
    end if;
end
$$;
