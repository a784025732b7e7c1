-- Create the rollout of a segment that gets its first percent. From now on changes by hand count.
create or replace function begin_rollout() returns trigger
language plpgsql
as $$
begin
    insert into rollouts (segment_id) values (new.segment_id) on conflict do nothing;
    return null;
end
$$;
