-- Make Postgres check foreign keys by their indexes, until the transaction ends.
-- Postgres plans these checks at the end of a statement, and keeps the plan for the session. A plan that was made for a
-- few users reads all users for each new membership. A statement that calls this function has its own plan already.
-- JIT is off, because the huge cost of a plan with a disabled node would start it.
-- The settings are made in a function, because RDS Proxy pins a session whose client sends set_config itself.
create or replace function check_keys_by_index() returns void
language plpgsql
as $$
begin
    perform set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true);
end
$$;
