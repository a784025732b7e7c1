-- Change the lifetime of an active membership. Return no row where there is none.
-- Locks are taken in the order of change_user_segments. The time is read after the last lock, so a membership that
-- expired during a wait stays expired.
-- The trigger gets that time as a setting. The setting holds for this one UPDATE, not for the rest of the transaction.
create or replace function change_lifetime(
    p_user_id bigint, p_slug text, p_ttl integer, p_expires_at timestamptz, p_actor text)
    returns table (added_at timestamptz, expires_at timestamptz)
language plpgsql
as $$
declare
    v_segment_id integer;
    v_moment timestamptz;
begin
    perform pg_advisory_xact_lock_shared(0, 0);
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null
       for share;
    perform from users where users.user_id = p_user_id for no key update;
    perform from memberships
      where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
        for update;
    v_moment := next_moment();

    perform set_config('segmentation.actor', p_actor, true),
            set_config('segmentation.lifetime_changed_at', v_moment::text, true);
    return query
    update memberships
       set expires_at = end_of_lifetime(v_moment, p_ttl, p_expires_at)
     where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
       and (memberships.expires_at is null or memberships.expires_at > v_moment)
 returning memberships.added_at, memberships.expires_at;
    perform set_config('segmentation.lifetime_changed_at', '', true);
end
$$;
