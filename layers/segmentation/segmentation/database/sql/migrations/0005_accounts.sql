-- Who may sign in, and how often somebody has just failed to.

create table accounts (
    account_id integer generated always as identity primary key,
    username text collate "C" not null,
    password_hash text not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint accounts_username_grammar check (username ~ '^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$'),
    -- names that the history gives to others
    constraint accounts_username_not_reserved check (lower(username) not in ('local', 'schedule')),
    constraint accounts_password_is_hashed check (password_hash like '$argon2id$%'),
    constraint accounts_role_known check (role in ('reader', 'editor', 'admin'))
);

-- an account cannot be taken for another one that differs in capitals
create unique index accounts_username_once on accounts (lower(username));

-- Apart from the accounts, because names without one are counted in the same way, and because the application
-- then needs no right to change an account.
create table sign_in_failures (
    username text collate "C" not null constraint sign_in_failures_by_username primary key,
    failures integer not null default 1,
    failed_at timestamptz not null default now()
);

create index sign_in_failures_by_time on sign_in_failures (failed_at);

grant select (username, password_hash, role), insert (username, password_hash, role) on accounts to segmentation_app;
grant select (account_id) on accounts to segmentation_app;
grant select, insert (username), update (failures, failed_at), delete on sign_in_failures to segmentation_app;
