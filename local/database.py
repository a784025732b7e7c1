"""The service's database on the local server, and who owns it; the migrations do the rest."""

from typing import LiteralString

import psycopg
from psycopg import sql

from local.postgres import Server, make_url

NAME = "segmentation"
OWNER = "segmentation_owner"
LOGIN = "segmentation_app_login"


def prepare(server: Server, password: str) -> None:
    """Create the owner and the database unless they exist, and give the owner the password."""
    owner = sql.Identifier(OWNER)
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        if not exists(superuser, "select 1 from pg_roles where rolname = %s", OWNER):
            superuser.execute(sql.SQL("create role {} login createrole").format(owner))
        superuser.execute(sql.SQL("alter role {} password {}").format(owner, sql.Literal(password)))
        if not exists(superuser, "select 1 from pg_database where datname = %s", NAME):
            superuser.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(NAME), owner))


def exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    """Tell whether the query finds the name."""
    return connection.execute(query, [name]).fetchone() is not None


def url(port: int, user: str, password: str) -> str:
    """Return how a role connects to the database."""
    return make_url(port, user, password, NAME)
