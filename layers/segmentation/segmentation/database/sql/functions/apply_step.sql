-- Mark a due step as applied, and the older due steps of its segment as skipped. Return the instant, or null if the step
-- is not pending any more. The caller has locked the segment (hold_segment), and then changes its percent.
-- The rest of the transaction belongs to the step: the change log names it, and its change cancels no other step.
create or replace function apply_step(p_step_id bigint) returns timestamptz
language plpgsql
as $$
declare
    v_step segment_steps;
    v_applied_at timestamptz;
begin
    select segment_steps.* into v_step
      from segment_steps
     where segment_steps.step_id = p_step_id and segment_steps.status = 'pending'
       for update skip locked;
    if not found then
        return null;
    end if;
    v_applied_at := next_moment();
    update segment_steps
       set status = case when segment_steps.step_id = p_step_id then 'applied' else 'skipped' end,
           applied_at = case when segment_steps.step_id = p_step_id then v_applied_at end
     where segment_steps.segment_id = v_step.segment_id and segment_steps.status = 'pending'
       and segment_steps.due_at <= v_step.due_at;
    perform set_config('segmentation.step_id', p_step_id::text, true);
    return v_applied_at;
end
$$;
