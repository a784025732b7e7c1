"""The service's database on the local server, and its owner. The migrations create the rest."""

from typing import LiteralString

import psycopg
from psycopg import sql

from local.passwords import Passwords
from local.postgres import Server, make_url
from local.settings import Database

NAME = "segmentation"
OWNER = "segmentation_owner"
LOGIN = "segmentation_app_login"


def prepare(server: Server, password: str) -> None:
    """Create the owner and the database if they are missing, and set the owner's password."""
    owner = sql.Identifier(OWNER)
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        if not exists(superuser, "select 1 from pg_roles where rolname = %s", OWNER):
            superuser.execute(sql.SQL("create role {} login createrole").format(owner))
        superuser.execute(sql.SQL("alter role {} password {}").format(owner, sql.Literal(password)))
        if not exists(superuser, "select 1 from pg_database where datname = %s", NAME):
            superuser.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(NAME), owner))


def exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    """Return whether the query finds the name."""
    return connection.execute(query, [name]).fetchone() is not None


def is_empty(database: Database) -> bool:
    """Return whether a migrated database has no users and no segments."""
    with psycopg.connect(database.owner_url) as owner:
        query = "select from segments union all select from users limit 1"
        return owner.execute(query).rowcount == 0


def urls(port: int, known: Passwords) -> Database:
    """Return how the application and the owner connect to the database."""
    return Database(make_url(port, LOGIN, known.login, NAME), make_url(port, OWNER, known.owner, NAME))
