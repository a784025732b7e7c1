"""The command lines of `make run` and `make replay`."""

import sys

import pytest

from local import __main__ as run
from local import replay


@pytest.mark.parametrize("port", [1, 8080, 65532])
def test_run_uses_four_consecutive_ports(port):
    assert [*run.parse(["--port", str(port)]).ports.values()] == [*range(port, port + 4)]


@pytest.mark.parametrize("port", ["0", "65533", "70000", "-1", "many"])
def test_port_that_leaves_no_room_for_three_more_is_refused_with_a_sentence(port, capsys):
    with pytest.raises(SystemExit):
        run.parse([f"--port={port}"])

    assert f"{port} is not a port from 1 to 65532: the next three are used too" in capsys.readouterr().err


def test_replay_refuses_the_same_ports(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["replay", "--port=70000"])

    with pytest.raises(SystemExit):
        replay.main()

    assert "70000 is not a port" in capsys.readouterr().err
