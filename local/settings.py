"""Where the local run keeps what, on which ports, and what the gateway is told."""

import json
import os
from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local import ports

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = ROOT / ".local"
PORT = 8080
HIGHEST_PORT = 65_535 - 3
WAIT_SECONDS = 10  # what a cold start takes where little else is free, and those before it
CREDENTIALS = ("local", "local-secret")  # of the local S3 and SQS, which listen on 127.0.0.1 only


def first_port(text: str) -> int:
    """Read the port of the API from a command line."""
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise ArgumentTypeError(f"{text} is no port from 1 to {HIGHEST_PORT}: the next three are used too")
    return int(text)


@dataclass(frozen=True)
class Database:
    """How the application and the owner of the schema connect."""

    url: str
    owner_url: str


@dataclass(frozen=True)
class Storage:
    """Where S3 is, and the key that opens it."""

    url: str
    key_id: str
    key: str


@dataclass(frozen=True)
class Settings:
    """The choices of `make run`."""

    port: int = PORT
    state: Path = INSTALLED
    template: Path = ROOT / "template.yaml"
    interpreter: Path = INSTALLED / "venv" / "bin" / "python"
    worker: bool = False
    auth: bool = False  # whether a request needs a token
    pooler: bool = False  # whether PgBouncer stands in front of the database
    minute: float = 60  # what a minute of a schedule lasts, in seconds; tests cannot wait for long ones
    wait_seconds: float = WAIT_SECONDS  # seconds that a request waits for a free environment; 0 as on AWS
    database: Database | None = None  # instead of ours
    storage: Storage | None = None  # instead of ours

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports that others use, by what listens there."""
        names = ("the API", "the Lambda invoke endpoint", "S3", "SQS")
        return {name: self.port + offset for offset, name in enumerate(names)}

    @property
    def s3(self) -> Storage:
        """Return the S3 in use, ours or another."""
        return self.storage or Storage(f"http://{ports.HOST}:{self.ports['S3']}", *CREDENTIALS)

    @property
    def data(self) -> Path:
        """Return the folder that is kept between runs."""
        return self.state / "data"

    @property
    def gateway(self) -> Path:
        """Return the file with the settings of the gateway process."""
        return self.state / "gateway.json"

    @property
    def admin(self) -> Path:
        """Return the file with the admin's username and password, as a sign-in sends them."""
        return self.data / "admin.json"

    @property
    def logs(self) -> Path:
        """Return the folder of the log files."""
        return self.state / "log"


@dataclass(frozen=True)
class GatewaySettings:
    """What the gateway process needs to know; it lives in SAM CLI's own environment."""

    template: str
    port: int
    lambda_port: int
    interpreter: str
    logs: str
    worker: bool
    auth: bool
    wait_seconds: float
    variables: dict[str, str]
    function_variables: dict[str, dict[str, str]]
    references: dict[str, str]

    def write(self, path: Path) -> Path:
        """Write a file for the gateway alone: there are passwords in it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
        return path

    @classmethod
    def read(cls, path: Path) -> "GatewaySettings":
        """Read what `write` wrote."""
        members: dict[str, Any] = json.loads(path.read_text())
        return cls(**members)
