-- Add a number of rows to the count of an operation.
-- The function returns a value because PL/pgSQL assigns it without a query. PERFORM would run a query.
create or replace function count_operations(p_counter regclass, p_rows bigint) returns bigint
language plpgsql
as $$
declare
    v_count bigint;
begin
    for v_row in 1 .. p_rows loop
        v_count := nextval(p_counter);
    end loop;
    return v_count;
end
$$;

revoke all on function count_operations(regclass, bigint) from public;
