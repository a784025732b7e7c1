-- Fires for every new role or password, also for those that an operator sets with SQL.
create or replace trigger accounts_begin_generation before update of role, password_hash on accounts for each row
    when ((old.role, old.password_hash) is distinct from (new.role, new.password_hash))
    execute function begin_generation();
