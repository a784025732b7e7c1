-- Change the memberships of one user, with one lifetime for all entries. Only the previous release calls this function.
create or replace function change_memberships(
    p_user_id bigint, p_add text[], p_delete text[], p_ttl integer, p_expires_at timestamptz, p_actor text,
    out unknown_slugs text[], out segments_added integer, out segments_deleted integer)
language plpgsql
as $$
begin
    select changed.unknown_slugs, changed.segments_added, changed.segments_deleted
      into unknown_slugs, segments_added, segments_deleted
      from change_user_segments(p_user_id, p_add, p_delete, p_ttl, p_expires_at, null, null, p_actor) changed;
end
$$;
