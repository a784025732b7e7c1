-- Remember who set the percent. The history names that actor for each user who the percent enrols later.
create or replace function keep_percent_setter() returns trigger
language plpgsql
as $$
begin
    new.percent_set_by := history_actor();
    return new;
end
$$;
