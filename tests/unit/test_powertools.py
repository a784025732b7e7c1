"""The private parts of Powertools: they exist, and api/powertools.py alone names them."""

import ast
import re
from pathlib import Path

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)

from local.settings import ROOT
from segmentation.api import powertools

OURS = {"_write"}
SEARCHED = ("functions", "layers/segmentation/segmentation", "local", "docs", "tools", "benchmarks", "tests")


def private_names(source: str) -> set[str]:
    """Private names that a module defines as methods or uses as attributes."""
    nodes = list(ast.walk(ast.parse(source)))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return {name for name in used | defined if re.fullmatch(r"_[a-z]\w*", name)} - OURS


PRIVATE = private_names(Path(powertools.__file__).read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_private_part_still_exists_in_powertools(name):
    resolver = APIGatewayHttpResolver(enable_validation=True)

    owners = [resolver, OpenAPIRequestValidationMiddleware, OpenAPIResponseValidationMiddleware]

    assert any(hasattr(owner, name) for owner in owners), f"Powertools has no {name} any more: see api/powertools.py"


def test_powertools_still_keeps_the_current_event_on_the_class():
    assert "current_event" in BaseRouter.__annotations__


def test_private_parts_are_found():
    assert {"_static_routes", "_call_exception_handler", "_handle_response"} <= PRIVATE


def test_no_other_module_names_a_private_part():
    modules = [path for folder in SEARCHED for path in (ROOT / folder).rglob("*.py")]

    naming = {
        str(path.relative_to(ROOT)): sorted(found)
        for path in modules
        if path != Path(powertools.__file__) and (found := PRIVATE & private_names(path.read_text("utf-8")))
    }

    assert naming == {}
