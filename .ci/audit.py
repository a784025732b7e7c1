"""Look for known weaknesses: in the template, in the code, and in the libraries that AWS gets.

Run by `make audit`, in the tools' own environment. What could not be looked at is said, and is no failure.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".local" / "audit" / "bin"
SCRATCH = ROOT / ".local" / "audit-run"
CODE = ("functions", "layers/segmentation/segmentation", "local", ".ci")
LIBRARIES = ("layers/segmentation/requirements.txt", "layers/cryptography/requirements.txt")
SOURCES = ("pypi", "osv")
LONGEST = 300.0  # seconds for one tool


def main() -> int:
    """Run every check, say what it found, and fail if one did."""
    findings = [*template_findings(), *code_findings(), *library_findings()]
    for finding in findings:
        say(f"FAILED {finding}")
    return 1 if findings else 0


def template_findings() -> Iterator[str]:
    """Run checkov on both shapes of the template: it leaves out what a condition leaves out."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    written = (ROOT / "template.yaml").read_text()
    before, mark, after = written.partition("  CreateDatabase:\n")
    created = SCRATCH / "template.yaml"
    created.write_text(before + mark + after.replace('Default: "false"', 'Default: "true"', 1))
    if created.read_text() == written:
        yield "the template has no CreateDatabase that is false at first: checkov would see one shape of it only"
    command = ("checkov", "--framework", "cloudformation", "--skip-download", "--output", "json")
    report = json.loads(run(*command, "--file", "template.yaml", str(created)).stdout)
    summary = report["summary"]
    say(f"checkov: {summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} suppressed in place")
    if summary["parsing_errors"] or not summary["passed"]:
        yield "checkov could not read the template"
    for check in report["results"]["failed_checks"]:
        yield f"{check['check_id']} {check['resource']}: {check['check_name']}"
    for check in report["results"]["skipped_checks"]:
        if not check["check_result"].get("suppress_comment"):
            yield f"{check['check_id']} {check['resource']}: suppressed without a reason"


def code_findings() -> Iterator[str]:
    """Run bandit; what it calls less than medium is ruff's to judge, which has the same rules."""
    options = ("--quiet", "--recursive", "--severity-level", "medium", "--format", "json")
    report = json.loads(run("bandit", *options, *CODE).stdout)
    lines = report["metrics"]["_totals"]["loc"]
    say(f"bandit: {lines} lines, {len(report['results'])} findings")
    if report["errors"] or not lines:
        yield f"bandit could not read the code: {report['errors']}"
    for result in report["results"]:
        yield f"{result['test_id']} {result['filename']}:{result['line_number']}: {result['issue_text']}"


def library_findings() -> Iterator[str]:
    """Ask a database of vulnerabilities about the pinned libraries; there is none without the internet."""
    for source in SOURCES:
        files = [argument for name in LIBRARIES for argument in ("-r", name)]
        try:
            answer = run("pip-audit", "--disable-pip", "--require-hashes", *files, "-s", source, "-f", "json")
        except subprocess.TimeoutExpired:
            continue
        libraries: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"] if answer.stdout else []
        known = [library for library in libraries if "vulns" in library]
        if known:
            break
    else:
        say(f"pip-audit: SKIPPED, the libraries were not looked up: none of {', '.join(SOURCES)} answers here")
        return
    say(f"pip-audit: {len(known)} of {len(libraries)} libraries looked up at {source}")
    for library in known:
        for weakness in library["vulns"]:
            yield f"{library['name']} {library['version']}: {weakness['id']}, fixed in {weakness['fix_versions']}"


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the tools in the project's folder; each says by its output, not by its exit code, what it found.

    Raises subprocess.TimeoutExpired for one that hangs.
    """
    return subprocess.run(  # noqa: S603 -- our own pinned tools
        [TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST
    )


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
