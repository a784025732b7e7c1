-- Make Postgres read rows in the order of an index, if any has that order, until the transaction ends.
-- It is a function because RDS Proxy pins a session whose client sends set_config itself.
-- A plan that uses what is off has a huge cost, which would start JIT.
create or replace function prefer_index_order() returns void
language plpgsql
as $$
begin
    perform set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
            set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true);
end
$$;
