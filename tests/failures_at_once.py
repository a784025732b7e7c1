"""Print a failure when it happens. Pytest itself prints failures at the end of the run only."""

import pytest


class FailuresAtOnce:
    """A pytest plugin for the process that prints: with -n, the workers send their reports to it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)  # after the progress character of the test
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal:
            terminal.ensure_newline()
            terminal.write_sep("_", f"FAILED {report.nodeid} ({report.when})", red=True)
            terminal.write_line(report.longreprtext)


def register(config: pytest.Config) -> None:
    """Register the plugin, except in a worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(config))
