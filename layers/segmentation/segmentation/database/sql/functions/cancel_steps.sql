-- Cancel the pending steps of a segment, and return their number. The caller has locked the segment (hold_segment).
create or replace function cancel_steps(p_segment_id integer) returns integer
language plpgsql
as $$
declare
    v_steps integer;
begin
    update segment_steps
       set status = 'cancelled'
     where segment_steps.segment_id = p_segment_id and segment_steps.status = 'pending';
    get diagnostics v_steps = row_count;
    return v_steps;
end
$$;
