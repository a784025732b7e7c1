"""Ports that are chosen before a server listens on them."""

import socket
import subprocess
import sys

import pytest

from local import ports
from local.settings import ROOT


def test_chosen_port_is_chosen_by_no_other_process():
    ask = f"from local import ports; print(ports.reserved({ports.free()}))"

    asked = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 -- ours

    assert asked.stdout == "False\n"


def test_port_is_free_again_after_many_others_were_chosen(monkeypatch):
    monkeypatch.setattr(ports, "MOST_RESERVED", 1)
    port = ports.free()

    for _ in range(2):
        ports.free()

    assert ports.reserved(port)


def test_a_server_can_listen_on_a_chosen_port():
    assert ports.bindable(ports.free())


@pytest.mark.parametrize("look", [ports.unused, lambda: ports.bindable(ports.free())])
def test_looking_for_a_port_never_listens_on_it(look, monkeypatch):
    monkeypatch.setattr(socket.socket, "listen", lambda *_: pytest.fail("a client would take us for its server"))

    assert look()


def test_server_can_listen_on_a_port_that_another_process_holds():
    with ports.bound(0) as holder, socket.create_server(holder.getsockname()):
        assert ports.listening(holder.getsockname()[1])
