"""The local run with an external database and S3: the services of compose.yaml, started without Docker."""

import csv
import os
import shutil
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import yaml

from local import external_services, ports, postgres, processes, programs
from local.processes import ChildFailed
from local.settings import CREDENTIALS, ROOT, Storage

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OWNER_URL = "postgresql://segmentation_owner:local@127.0.0.1:{}/segmentation"
LOGIN_URL = "postgresql://segmentation_app_login:local@127.0.0.1:{}/segmentation"


@pytest.fixture(scope="module")
def database_port():
    with postgres.server() as server:
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            for statement in COMPOSE["configs"]["owner"]["content"].splitlines():
                superuser.execute(statement)
        yield server.port


@pytest.fixture(scope="module")
def s3_port(tmp_path_factory):
    port, folder = ports.free(), tmp_path_factory.mktemp("s3")
    replaced = {"/data": folder, ":9000": f"{ports.HOST}:{port}"}
    command = [replaced.get(word, word) for word in COMPOSE["services"]["s3"]["command"]]
    server = processes.start(
        "S3",
        [programs.rclone(), *command, "--config", os.devnull],
        log=folder / "log",
        environment={"PATH": os.defpath},
    )
    processes.wait_until_listening(server, port)
    yield port
    server.stop()


@pytest.fixture
def environment(database_port, s3_port):
    return {
        "DATABASE_URL": LOGIN_URL.format(database_port),
        "DATABASE_OWNER_URL": OWNER_URL.format(database_port),
        "AWS_ENDPOINT_URL": f"http://{ports.HOST}:{s3_port}",
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
    }


@pytest.fixture
def run(start, state, environment):
    started = start(state, **environment)
    started.wait_until_ready()
    return started


@pytest.fixture
def client(run):
    with httpx.Client(base_url=f"http://localhost:{run.port}", timeout=60, trust_env=False) as opened:
        yield opened


def test_external_services_keep_all_data(client, run, this_month, download, database_port, s3_port):
    client.post("/segment", json={"slug": "AVITO_ELSEWHERE"}).raise_for_status()
    client.post("/segment/user", json={"user_id": 7, "add_segments": ["AVITO_ELSEWHERE"]}).raise_for_status()

    link = client.get("/segment/history/7", params=this_month).json()["report_link"]

    assert urlsplit(link).port == s3_port
    assert [*csv.reader(download(link).body.decode().splitlines())][1][:3] == ["7", "AVITO_ELSEWHERE", "I"]
    with psycopg.connect(OWNER_URL.format(database_port)) as owner:
        assert owner.execute("select user_id from memberships").fetchall() == [(7,)]
    assert {path.name for path in (run.state / "data").iterdir()}.isdisjoint({"postgres", "s3"})


def test_an_existing_bucket_is_no_error(s3_port):
    storage = Storage(f"http://{ports.HOST}:{s3_port}", *CREDENTIALS)
    external_services.create_buckets(storage, ["kept-bucket"])

    external_services.create_buckets(storage, ["kept-bucket"])


def test_a_key_that_s3_rejects_is_an_error(s3_port):
    storage = Storage(f"http://{ports.HOST}:{s3_port}", "local", "wrong")

    with pytest.raises(ChildFailed, match="AWS_ENDPOINT_URL"):
        external_services.create_buckets(storage, ["new-bucket"])


def test_a_missing_database_is_named_before_anything_starts(start, state, environment):
    run = start(state, **environment | {"DATABASE_OWNER_URL": OWNER_URL.format(1)})

    assert run.process.wait(60) == 1
    assert "The database of DATABASE_OWNER_URL cannot be reached" in run.output
    assert not (state / "data").exists()
