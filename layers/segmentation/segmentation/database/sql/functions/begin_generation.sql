-- Begin a new generation of an account, which ends the tokens of the former one.
create or replace function begin_generation() returns trigger
language plpgsql
as $$
begin
    new.generation := gen_random_uuid();
    return new;
end
$$;
