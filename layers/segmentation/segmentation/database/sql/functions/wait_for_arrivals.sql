-- Wait for the users who are arriving, before a segment is deleted: none enters it after the time of its deletion.
create or replace function wait_for_arrivals() returns trigger
language plpgsql
as $$
begin
    perform hold_arrivals();
    new.deleted_at := next_moment();
    return new;
end
$$;
