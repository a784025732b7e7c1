-- Fires once per statement, so a bulk insert pays once. Users inserted by hand are numbered and enrolled as well.
create or replace trigger users_admit after insert on users
    referencing new table as arrived for each statement execute function admit_users();
