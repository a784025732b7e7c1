"""The service's database on the local server, and who owns it; the migrations do the rest."""

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


def urls(port: int, known: Passwords) -> Database:
    """Return how the application and the owner connect to the database."""
    return Database(make_url(port, LOGIN, known.login, NAME), make_url(port, OWNER, known.owner, NAME))
