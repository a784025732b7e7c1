-- Return the members of a segment that the change log has: those that a request can set.
create or replace function segment_as_json(p_segment segments) returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'slug', p_segment.slug, 'description', p_segment.description, 'owner', p_segment.owner,
        'user_percent', trim_scale(p_segment.user_percent))
$$;
