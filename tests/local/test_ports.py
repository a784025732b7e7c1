"""Ports that are given out before anybody listens on them."""

import socket
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("look", [ports.unused, lambda: ports.bindable(ports.free())])
def test_who_looks_for_a_port_is_never_taken_for_the_server_that_another_waits_for(look, monkeypatch):
    monkeypatch.setattr(socket.socket, "listen", lambda *_: pytest.fail("a moment's server answers on the port"))

    assert look()


def test_server_can_listen_on_a_port_that_another_is_looking_at():
    with ports.bound(0) as holder, socket.create_server(holder.getsockname()):
        assert ports.listening(holder.getsockname()[1])
