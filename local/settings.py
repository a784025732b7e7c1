"""The settings of the local run, and of its gateway process."""

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
WAIT_SECONDS = 10  # enough for several cold starts in a row on a busy machine
CREDENTIALS = ("local", "local-secret")  # of the local S3 and SQS, which listen on 127.0.0.1 only


def first_port(text: str) -> int:
    """Parse the API port of a command line."""
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise ArgumentTypeError(f"{text} is not a port from 1 to {HIGHEST_PORT}: the next three are used too")
    return int(text)


@dataclass(frozen=True)
class Database:
    """The URLs of the application and of the owner of the schema."""

    url: str
    owner_url: str


@dataclass(frozen=True)
class Storage:
    """The URL of an S3, and its access key."""

    url: str
    key_id: str
    key: str


@dataclass(frozen=True)
class Settings:
    """The options of `make run`."""

    port: int = PORT
    state: Path = INSTALLED
    template: Path = ROOT / "template.yaml"
    interpreter: Path = INSTALLED / "venv" / "bin" / "python"
    worker: bool = False
    auth: bool = False  # whether a request needs a token
    cors_origins: str = ""  # the origins of web pages that may call the API, separated by commas
    event_bus: str = ""  # the name of a local EventBridge bus that gets the events
    pooler: bool = False  # whether PgBouncer is in front of the database
    readers: int = 0  # hot standbys for requests that only read: none, or one
    minute: float = 60  # seconds in a minute of a schedule; tests use shorter minutes
    wait_seconds: float = WAIT_SECONDS  # how long a request waits for a free environment; on AWS it does not wait
    database: Database | None = None  # an external one
    storage: Storage | None = None  # an external one

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports for clients, by the name of their server."""
        names = ("the API", "the Lambda invoke endpoint", "S3", "SQS")
        return {name: self.port + offset for offset, name in enumerate(names)}

    @property
    def s3(self) -> Storage:
        """Return the S3 in use, local or external."""
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
        """Return the file with the admin's username and password, in the form of a sign-in request."""
        return self.data / "admin.json"

    @property
    def logs(self) -> Path:
        """Return the folder of the log files."""
        return self.state / "log"


@dataclass(frozen=True)
class GatewaySettings:
    """The settings of the gateway process, which runs in SAM CLI's environment."""

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
    cors_origins: str = ""

    def write(self, path: Path) -> Path:
        """Write a file that only its owner can read, because it contains passwords."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
        return path

    @classmethod
    def read(cls, path: Path) -> "GatewaySettings":
        """Read a file that `write` has written."""
        members: dict[str, Any] = json.loads(path.read_text())
        return cls(**members)
