"""The progress bar: on a terminal as often as it pays, elsewhere not at all."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from scratch import breast_cancer, clusters_minibatch, progress
from scratch.clusters import Clusters
from tests.scratch.textbook import CAPTCHA, CLUSTERS, XOR


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.append(text)
        return super().write(text)


def write_to(stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the module, as pytest puts its own sys.stderr back between fixture and test.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    write_to(stream, monkeypatch)
    return stream


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_without_a_terminal_a_loop_is_a_plain_range(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_to(stream, monkeypatch)
    assert progress.counted(7, "steps") == range(7)
    assert stream is None or stream.getvalue() == ""


@pytest.mark.parametrize("steps", [0, 1, 7, 200, 201, 1000, 12_345])
def test_every_step_is_taken_once_and_the_bar_ends_full(steps: int, terminal: Terminal) -> None:
    assert list(progress.counted(steps, "steps")) == list(range(steps))
    last = terminal.written[-1]
    assert last.startswith("\rsteps [" + "#" * progress.WIDTH + "]")
    assert f" {steps:,}/{steps:,} " in last
    assert last.endswith("\n")
    # Each line covers the one before, and there are few of them.
    assert len({len(text.rstrip("\n")) for text in terminal.written}) == 1
    assert len(terminal.written) <= 2 * progress.UPDATES + 1


def test_a_loop_that_breaks_keeps_its_place(terminal: Terminal) -> None:
    for step in (loop := iter(progress.counted(1000, "steps"))):
        if step == 500:
            loop.close()  # as the end of its only reference does
            break
    assert terminal.getvalue().endswith("\n")
    assert " 500/1,000 " in terminal.written[-1]


def test_each_training_loop_shows_a_bar_and_computes_the_same(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    inputs, one_hot = rng.normal(size=(300, 2)), np.eye(3)[rng.integers(0, 3, 300)]
    tumours, labels = rng.normal(size=(30, 30)), rng.integers(0, 2, 30)

    def trained() -> list[np.ndarray]:
        xor, clusters = XOR.build(), Clusters(CLUSTERS.parameters, l2=0)
        xor.train(XOR.inputs, XOR.targets, learning_rate=1, steps=5)
        clusters_minibatch.train(clusters, inputs, one_hot, steps=5)
        model = breast_cancer.article(0)
        model.fit(tumours, labels, batch_size=20, epochs=5)
        captcha = CAPTCHA.build()
        captcha.minimize(CAPTCHA.inputs, CAPTCHA.targets, iterations=5)
        networks = (xor, clusters, captcha)
        arrays = [array for network in networks for array in network.parameters.values()]
        return [*arrays, *model.get_weights()]

    shown = trained()
    told = terminal.getvalue()
    bars = ("Xor", "clusters_minibatch", "epoch", "captcha")
    assert [told.count(f"\r{bar} [") for bar in bars] == [6, 6, 6, 6]
    assert told.count(" 5/5 ") == told.count("\n") == len(bars)
    write_to(io.StringIO(), monkeypatch)
    for one, other in zip(shown, trained(), strict=True):
        np.testing.assert_array_equal(one, other)
