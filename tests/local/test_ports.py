"""Ports that are given out before anybody listens on them."""

import subprocess
import sys

from local import ports
from local.settings import ROOT


def test_port_that_was_given_out_is_given_out_by_no_other_process():
    ask = f"from local import ports; print(ports.reserved({ports.free()}))"

    asked = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 -- ours

    assert asked.stdout == "False\n"


def test_port_is_given_out_again_when_its_taker_has_long_been_there(monkeypatch):
    monkeypatch.setattr(ports, "MOST_RESERVED", 1)
    port = ports.free()

    for _ in range(2):
        ports.free()

    assert ports.reserved(port)


def test_port_that_is_given_out_can_be_listened_on():
    assert ports.bindable(ports.free())
