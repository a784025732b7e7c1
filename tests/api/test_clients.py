"""Clients that generators make of docs/openapi.json compile, and work with the local run."""

import os
import shutil
import subprocess

import httpx
import pytest

from local.settings import INSTALLED, ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
STORIES = ROOT / "tests" / "api" / "clients"
MODULES = INSTALLED / "node" / "node_modules"
PROGRAMS = INSTALLED / "clients" / "bin"
OFFLINE = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
NO_TESTS_OR_PAGES = "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"
ROUNDED = 2**53 + 1
"""A double cannot hold this id. Neither can 32 bits."""


def run(folder, *command, **environment):
    path = os.pathsep.join([str(PROGRAMS), str(INSTALLED / "api" / "bin"), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603 -- pinned tools
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def at(base_url):
    """The arguments of a program. The segment of an earlier run is deleted."""

    def arguments(slug, user_id):
        httpx.delete(f"{base_url}/segment/{slug}")
        return [base_url, slug, user_id]

    return arguments


def test_a_client_in_go_compiles_and_keeps_every_digit_of_an_id(tmp_path, at):
    package = ["--git-host", "example.com", "--git-user-id", "", "--git-repo-id", "segmentation"]
    options = ["-g", "go", "-o", tmp_path, "--global-property", NO_TESTS_OR_PAGES, *package]
    run(tmp_path, "openapi-generator-cli", "generate", "-i", DOCUMENT, *options)
    (tmp_path / "go.mod").write_text("module example.com/segmentation\n\ngo 1.23\n")
    (tmp_path / "story").mkdir()
    shutil.copy(STORIES / "story.go", tmp_path / "story")

    shown = run(tmp_path, "go", "run", "./story", *at("CLIENT_GO", ROUNDED), **OFFLINE, GOCACHE=str(INSTALLED / "go"))

    assert shown == f"{ROUNDED}\n"


def test_a_client_in_python_keeps_every_digit_of_an_id(tmp_path, at):
    target = ["--output-path", tmp_path / "segmentation_client", "--meta", "none"]
    run(tmp_path, "openapi-python-client", "generate", "--path", DOCUMENT, *target, "--fail-on-warning")

    program = [PROGRAMS / "python", STORIES / "story.py", *at("CLIENT_PYTHON", ROUNDED)]
    shown = run(tmp_path, *program, PYTHONPATH=str(tmp_path))

    assert shown == f"{ROUNDED}\n"


def test_a_client_in_typescript_has_valid_types_and_works(tmp_path, at):
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(STORIES / "story.ts", tmp_path)
    run(tmp_path, MODULES / ".bin" / "openapi-typescript", DOCUMENT, "--output", "schema.d.ts")
    strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--allowImportingTsExtensions"]
    run(tmp_path, MODULES / ".bin" / "tsc", *strict, "--types", "node", "story.ts")

    shown = run(tmp_path, "node", "story.ts", *at("CLIENT_TS", 1000))

    assert shown == "1000\n"
