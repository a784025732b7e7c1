-- Fires before a statement numbers its users: the numbers are defaults, which are read after this trigger.
create or replace trigger users_begin_arrival before insert on users for each statement execute function begin_arrival();
