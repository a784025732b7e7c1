"""A static path below /segment/ is a reserved slug. Otherwise it would hide the segment of that name."""

import pytest
from pydantic import TypeAdapter, ValidationError

from segmentation.contract.values import RESERVED_SLUGS, Slug
from tests.template_routes import ROUTES

BELOW = "/segment/"


def static_parts(path):
    """The parts of a path between /segment/ and the first placeholder."""
    return path.removeprefix(BELOW).partition("{")[0].strip("/").split("/") if path.startswith(BELOW) else []


STATIC = sorted({part for route in ROUTES for part in static_parts(route.path)} - {""})


def is_slug(text):
    try:
        TypeAdapter(Slug).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("part", STATIC)
def test_no_static_path_below_segment_is_an_allowed_slug(part):
    assert not is_slug(part), (
        f"template.yaml has a static path with {part!r} below {BELOW}, and a segment may have that slug too: "
        f"add {part!r} to RESERVED_SLUGS beside the rule of the slug, and run `make openapi`"
    )


def test_every_reserved_slug_is_a_static_path():
    assert {*STATIC} >= RESERVED_SLUGS, f"no route of template.yaml needs {sorted(RESERVED_SLUGS - {*STATIC})}"


def test_a_part_after_a_placeholder_hides_no_segment():
    assert static_parts("/segment/{slug}/users") == [""]
    assert static_parts("/segment/user/{user_id}/{slug}") == ["user"]
    assert static_parts("/segment/user/batch") == ["user", "batch"]
    assert is_slug("users")
