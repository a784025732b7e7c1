"""Look for known vulnerabilities in the template, in the code, and in the libraries that a deployment uploads.

`make audit` runs this in its own environment. If no vulnerability database is reachable, the script says so and passes.
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
    """Run all checks, print their findings, and return 1 if there are any."""
    findings = [*template_findings(), *code_findings(), *library_findings()]
    for finding in findings:
        say(f"FAILED {finding}")
    return 1 if findings else 0


def template_findings() -> Iterator[str]:
    """Run checkov on the template with and without CreateDatabase: it ignores resources with a false condition."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    written = (ROOT / "template.yaml").read_text()
    before, mark, after = written.partition("  CreateDatabase:\n")
    created = SCRATCH / "template.yaml"
    created.write_text(before + mark + after.replace('Default: "false"', 'Default: "true"', 1))
    if created.read_text() == written:
        yield "The parameter CreateDatabase is missing or not false by default, so checkov checks one variant only."
    command = ("checkov", "--framework", "cloudformation", "--skip-download", "--output", "json")
    say("checkov: checking the template with and without its database")
    report = json.loads(run(*command, "--file", "template.yaml", str(created)).stdout)
    summary = report["summary"]
    say(f"checkov: {summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} suppressed in place")
    if summary["parsing_errors"] or not summary["passed"]:
        yield "checkov could not read the template."
    for check in report["results"]["failed_checks"]:
        yield f"{check['check_id']} {check['resource']}: {check['check_name']}"
    for check in report["results"]["skipped_checks"]:
        if not check["check_result"].get("suppress_comment"):
            yield f"{check['check_id']} {check['resource']}: suppressed without a reason"


def code_findings() -> Iterator[str]:
    """Run bandit. ruff has the same rules, and covers the findings below medium severity."""
    options = ("--quiet", "--recursive", "--severity-level", "medium", "--format", "json")
    say(f"bandit: checking {', '.join(CODE)}")
    report = json.loads(run("bandit", *options, *CODE).stdout)
    lines = report["metrics"]["_totals"]["loc"]
    say(f"bandit: {lines} lines, {len(report['results'])} findings")
    if report["errors"] or not lines:
        yield f"bandit could not read the code: {report['errors']}"
    for result in report["results"]:
        yield f"{result['test_id']} {result['filename']}:{result['line_number']}: {result['issue_text']}"


def library_findings() -> Iterator[str]:
    """Look up the pinned libraries in the first reachable vulnerability database."""
    for source in SOURCES:
        say(f"pip-audit: looking up the libraries at {source}, at most {LONGEST:.0f} s")
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
        say(f"pip-audit: SKIPPED, because none of {', '.join(SOURCES)} is reachable")
        return
    say(f"pip-audit: {len(known)} of {len(libraries)} libraries looked up at {source}")
    for library in known:
        for weakness in library["vulns"]:
            yield f"{library['name']} {library['version']}: {weakness['id']}, fixed in {weakness['fix_versions']}"


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the folder of the project. Its findings are in its output, not in its exit code.

    Raises subprocess.TimeoutExpired for a tool that hangs.
    """
    return subprocess.run(  # noqa: S603 -- our own pinned tools
        [TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST
    )


def say(line: str) -> None:
    """Write a line immediately."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
