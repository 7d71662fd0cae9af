"""Calls of subjects from several threads at once leave standard output as it was."""

from __future__ import annotations

import sys
import threading

import pytest

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
