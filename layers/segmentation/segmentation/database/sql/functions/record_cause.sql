-- Store the comment of this transaction, and return its id. Later rows of the transaction use the same id.
create or replace function record_cause() returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_cause_id bigint;
begin
    insert into causes (comment) values (current_setting('segmentation.comment')) returning cause_id into v_cause_id;
    perform set_config('segmentation.cause_id', v_cause_id::text, true);
    return v_cause_id;
end
$$;

revoke all on function record_cause() from public;
