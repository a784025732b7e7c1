-- Return the slug and the percent of a segment at an instant, from its change log. A change dated the instant counts.
-- The slug is null for an instant before the creation.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
create or replace function segment_at(p_segment_id integer, p_at timestamptz, out slug text, out user_percent numeric)
language plpgsql stable
as $$
begin
    select (select segment_changes.after ->> 'slug'
              from segment_changes
             where segment_changes.segment_id = p_segment_id and segment_changes.changed_at <= p_at
               and (segment_changes.change = 'created' or segment_changes.after ? 'slug')
             order by segment_changes.changed_at desc, segment_changes.change_id desc
             limit 1),
           (select (segment_changes.after ->> 'user_percent')::numeric
              from segment_changes
             where segment_changes.segment_id = p_segment_id and segment_changes.changed_at <= p_at
               and (segment_changes.change = 'created' or segment_changes.after ? 'user_percent')
             order by segment_changes.changed_at desc, segment_changes.change_id desc
             limit 1)
      into slug, user_percent;
end
$$;
