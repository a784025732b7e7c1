-- Accounts can be listed, changed and deleted. Triggers keep the last admin and start a new generation.
alter table accounts
    -- Tokens name the generation that they were issued to. A new role or password starts another one.
    add column if not exists generation uuid not null default gen_random_uuid(),
    add column if not exists last_signed_in_at timestamptz;

grant select (created_at, generation, last_signed_in_at), update (password_hash, role, last_signed_in_at), delete
    on accounts to segmentation_app;
