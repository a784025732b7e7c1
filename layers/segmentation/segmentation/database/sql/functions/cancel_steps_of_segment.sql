-- Cancel the pending steps of a segment that is deleted or gets another percent, whatever changes it.
-- A step itself also changes the percent. Then the steps after it stay pending.
create or replace function cancel_steps_of_segment() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if new.deleted_at is not null or current_step() is null then
        perform cancel_steps(new.segment_id);
    end if;
    return null;
end
$$;

revoke all on function cancel_steps_of_segment() from public;
