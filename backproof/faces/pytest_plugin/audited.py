"""``pytest --backproof-audit``: what the comparisons of a suite could not have seen."""

from __future__ import annotations

from typing import Any

import pytest

from backproof.faces.audit.auditing import Audit

# Under pytest-xdist, what a process has seen goes to the controller under this name.
SENT = "backproof_audit"


class Audited:
    """A plugin of one session; its findings are told at the end, and no outcome is changed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.audit = Audit()
        self.audit.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Watch what was imported since, and what the test's module holds by name."""
        self.audit.start()
        if (module := getattr(item, "module", None)) is not None:
            self.audit.bind(module)

    def pytest_sessionfinish(self) -> None:
        """Watch no more; a process of pytest-xdist sends what it has seen."""
        self.audit.stop()
        sent = getattr(self.config, "workeroutput", None)
        if sent is not None:
            sent[SENT] = [site.to_json() for site in self.audit.sites.values() if site.looked]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """In the controller: take what a process has sent; one that was killed sends nothing."""
        self.audit.take(getattr(node, "workeroutput", {}).get(SENT, ()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Line by line, the blindest first."""
        terminalreporter.section("audit of comparisons")
        for line in self.audit.text.splitlines():
            terminalreporter.write_line(line)
