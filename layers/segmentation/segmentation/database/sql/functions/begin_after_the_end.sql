-- Begin a membership one microsecond later if it would begin at the instant at which the one before it ended.
-- Exit and entry would otherwise share an instant. The view "operations" sorts an exit that is due behind all other
-- rows of its instant, so the exit would come after the entry.
create or replace function begin_after_the_end() returns trigger
language plpgsql
as $$
begin
    new.added_at := old.expires_at + interval '1 microsecond';
    return new;
end
$$;
