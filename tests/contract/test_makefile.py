"""`make help` lists each documented target in a group."""

import re

from local.settings import ROOT


def test_each_documented_target_has_a_group_of_the_help():
    documented = re.findall(r"^([a-z-]+):.*?## (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert [target for target, text in documented if not re.match("(run|check|release): ", text)] == []
