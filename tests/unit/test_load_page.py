"""The page about the load shows the findings."""

from tests.load import page
from tests.load.findings import Findings


def test_phase_counts_served_and_refused_requests_apart():
    found = Findings(seconds=2, samples={"GET /user": [(200, 10), (200, 30), (503, 1), (200, 20)]})

    line = page.overload({"crowd": found}, 37)["phases"]

    assert line == "| crowd | 4 | 2 | 20, 30, 30, 30 | 25.0 % | 1, 1, 1, 1 |"


def test_findings_are_read_as_they_were_written(tmp_path):
    found = Findings(seconds=1, campaigns={"CAMPAIGN_1"}, named={7})
    found.add("GET /user", 200, 1.5)
    found.told.change(1, {"segments_added": 2, "segments_deleted": 0})

    found.write(tmp_path / "findings.json")
    read = Findings.read(tmp_path / "findings.json")

    assert (read.told, read.campaigns, read.named) == (found.told, {"CAMPAIGN_1"}, {7})
    assert read.statuses() == {200: 1}
