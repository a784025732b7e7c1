-- Set the actor and the reason that the history rows of this transaction carry.
-- It is a function because RDS Proxy pins a session whose client sends set_config itself.
create or replace function set_cause(p_actor text, p_reason text) returns void
language plpgsql
as $$
begin
    perform set_config('segmentation.actor', p_actor, true), set_config('segmentation.reason', p_reason, true);
end
$$;
