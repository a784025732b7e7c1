"""A real Prometheus with the project's configuration scrapes a real local run. Its own tool checks the rules."""

import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from local import ports, processes
from local.settings import ROOT
from tests.e2e.conftest import local_run as local_run
from tests.e2e.waiting import eventually

PROGRAMS = ROOT / ".local" / "prometheus" / "bin"
SHIPPED = ROOT / "docs" / "prometheus"
SERIES = {
    "segmentation_users",
    "segmentation_segments",
    "segmentation_memberships_active",
    "segmentation_memberships_due",
    "segmentation_memberships_due_oldest_age_seconds",
    "segmentation_event_lag_seconds",
    "segmentation_jobs",
    "segmentation_steps",
    "segmentation_operations_total",
}


def promtool(*arguments):
    return subprocess.run(  # noqa: S603 -- a pinned tool
        [PROGRAMS / "promtool", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def configuration(tmp_path_factory, local_run):
    """The shipped configuration with another address, scheme and interval."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "token").write_text("a-token")
    (folder / "rules.yml").write_text((SHIPPED / "rules.yml").read_text())
    shipped = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    shipped["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    [scrape] = shipped["scrape_configs"]
    scrape |= {"scheme": "http", "static_configs": [{"targets": [f"127.0.0.1:{local_run.port}"]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(shipped))
    return folder / "prometheus.yml"


@pytest.fixture(scope="module")
def prometheus(configuration):
    """A client of a Prometheus that has scraped."""
    port, folder = ports.free(), configuration.parent
    options = [f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    child = processes.start(
        "Prometheus",
        [PROGRAMS / "prometheus", *options, f"--web.listen-address={ports.HOST}:{port}"],
        log=folder / "log",
        environment={"PATH": "/usr/bin:/bin"},
        directory=folder,
    )
    try:
        processes.wait_until_listening(child, port)
        with httpx.Client(base_url=f"http://{ports.HOST}:{port}/api/v1", trust_env=False) as client:
            # Prometheus listens before its storage is open, and answers 503 until then
            eventually(lambda: httpx.get(f"http://{ports.HOST}:{port}/-/ready", trust_env=False).is_success)
            eventually(lambda: value(client, "up") == 1)
            yield client
    finally:
        child.stop()


def value(client, query):
    """Return the only value of a query, or None."""
    result = client.get("/query", params={"query": query}).json().get("data", {}).get("result", [])
    return float(result[0]["value"][1]) if result else None


def test_the_target_is_up(prometheus):
    [target] = prometheus.get("/targets").json()["data"]["activeTargets"]

    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["labels"]["job"] == "segmentation"


def test_every_series_exists_with_its_type(prometheus):
    names = prometheus.get("/label/__name__/values").json()["data"]
    kinds = prometheus.get("/metadata").json()["data"]

    assert {name for name in names if name.startswith("segmentation_")} == SERIES
    assert kinds["segmentation_users"][0]["type"] == "gauge"
    assert "estimate" in kinds["segmentation_users"][0]["help"]
    assert kinds["segmentation_operations_total"][0]["type"] == "counter"


def test_a_write_is_visible_in_the_metrics(prometheus, local_run):
    before = value(prometheus, 'segmentation_operations_total{kind="added"}')
    with httpx.Client(base_url=f"http://{ports.HOST}:{local_run.port}", trust_env=False, timeout=60) as service:
        service.post("/segment", json={"slug": "SEEN"}).raise_for_status()
        service.post("/segment/user", json={"user_id": 7, "add_segments": ["SEEN"]}).raise_for_status()

    eventually(lambda: value(prometheus, "segmentation_memberships_active") == 1)

    assert value(prometheus, 'segmentation_operations_total{kind="added"}') == before + 1


def test_no_alert_fires_and_every_rule_can_be_evaluated(prometheus):
    eventually(lambda: all(rule["health"] == "ok" for rule in rules(prometheus)))

    assert [rule["name"] for rule in rules(prometheus) if rule.get("state") == "firing"] == []


def rules(client):
    [group] = client.get("/rules").json()["data"]["groups"]
    return group["rules"]


def test_the_tool_accepts_the_configuration(configuration):
    answer = promtool("check", "config", configuration)

    assert answer.returncode == 0, answer.stderr


def test_the_rules_fire_when_they_should_and_only_then():
    answer = promtool("test", "rules", Path(__file__).with_name("rules_test.yml"))

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_tool_finds_nothing_wrong_with_the_metrics(local_run):
    text = httpx.get(f"http://{ports.HOST}:{local_run.port}/metrics", trust_env=False, timeout=60).text

    answer = subprocess.run(  # noqa: S603 -- a pinned tool
        [PROGRAMS / "promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (answer.returncode, answer.stderr) == (0, "")
