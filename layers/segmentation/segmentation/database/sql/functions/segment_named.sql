-- Return the segment that a slug means at an instant, or null if no segment ever had the slug.
-- It is the segment that had the slug then, otherwise the last one that had it before, otherwise the first one that had
-- it afterwards. So both slugs of a renamed segment find it, and so does the slug of a deleted segment.
-- The usual case needs no search: the segment that has the slug now already had it then.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
create or replace function segment_named(p_slug text, p_at timestamptz) returns integer
language plpgsql stable
as $$
declare
    v_segment_id integer;
begin
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null;
    if found and (segment_at(v_segment_id, p_at)).slug = p_slug then
        return v_segment_id;
    end if;
    select held.segment_id into v_segment_id
      from (select naming.segment_id, naming.changed_at as since,
                   (select min(ending.changed_at)
                      from segment_changes ending
                     where ending.segment_id = naming.segment_id
                       and (ending.changed_at, ending.change_id) > (naming.changed_at, naming.change_id)
                       and (ending.change = 'deleted' or ending.after ? 'slug')) as until
              from segment_changes naming
             where naming.after ->> 'slug' = p_slug) held
     order by held.since <= p_at desc,
              case when held.since <= p_at then coalesce(held.until, 'infinity') end desc,
              held.since
     limit 1;
    return v_segment_id;
end
$$;
