-- Mark a due step as failed, and the older due steps of its segment as skipped: they must not be applied after it.
-- Return whether the step was pending. The caller has locked the segment (hold_segment).
create or replace function fail_step(p_step_id bigint) returns boolean
language plpgsql
as $$
begin
    update segment_steps
       set status = case when segment_steps.step_id = p_step_id then 'failed' else 'skipped' end
      from segment_steps failed
     where failed.step_id = p_step_id and failed.status = 'pending'
       and segment_steps.segment_id = failed.segment_id and segment_steps.status = 'pending'
       and segment_steps.due_at <= failed.due_at;
    return found;
end
$$;
