-- Return the segments whose percent enrols the arrivals with these numbers, which may have no users.
create or replace function enrolled_arrivals(p_ordinals bigint[]) returns table (segment_id integer, ordinal bigint)
language sql stable
as $$
    select enrolled.segment_id, enrolled.user_id from enrolled_users(p_ordinals, p_ordinals) enrolled
$$;
