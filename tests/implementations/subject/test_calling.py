"""Calls of subjects from several threads at once: nothing that is printed is mixed or lost."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from backproof import adapters
from backproof.implementations.subject import calling


def test_standard_output_comes_back_after_calls_that_overlap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The one that began first ends first."""
    before = sys.stdout
    inside, second_is_on, first_is_over = (threading.Event() for _ in range(3))

    def first() -> None:
        inside.set()
        assert second_is_on.wait(10)

    def second() -> None:
        second_is_on.set()
        assert first_is_over.wait(10)
        sys.stdout.write("said by the subject\n")

    one = threading.Thread(target=calling.call, args=(first,))
    other = threading.Thread(target=calling.call, args=(second,))
    one.start()
    assert inside.wait(10)
    other.start()
    one.join(10)
    first_is_over.set()
    other.join(10)
    assert sys.stdout is before
    sys.stdout.write("said by the command\n")
    out, error = capsys.readouterr()
    assert (out, error) == ("said by the command\n", "said by the subject\n")


def test_losses_that_are_printed_at_the_same_time_are_not_mixed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each begins before the other has printed, and reads what itself has printed last."""
    before = sys.stdout
    together = threading.Barrier(2, timeout=10)
    found: dict[float, float] = {}

    def trained(parameters: float, batch: float) -> None:
        together.wait()
        for step in range(200):
            sys.stdout.write(f"step {step}, loss: {parameters + batch}\n")
        together.wait()

    subject = adapters.printed(trained)

    def run(number: float) -> None:
        found[number] = calling.call(lambda: subject(number, 0.5), 10)["loss"]

    threads = [threading.Thread(target=run, args=(number,)) for number in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {1.0: 1.5, 2.0: 2.5}
    assert sys.stdout is before
    assert capsys.readouterr() == ("", "")
    assert subject_alone(subject, together) == 3.5


def subject_alone(subject: Any, together: threading.Barrier) -> float:
    """Called by nobody but its user, who need not have called it through us."""
    together.reset()
    helper = threading.Thread(target=lambda: [together.wait(), together.wait()])
    helper.start()
    loss: float = subject(3.0, 0.5)["loss"]
    helper.join(10)
    return loss
