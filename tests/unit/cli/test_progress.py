"""A bar for what takes long, and a first Ctrl-C that only asks."""

from __future__ import annotations

import signal
import time

import pytest

from tradsys.cli import progress


def test_what_is_quick_draws_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.watch("bars") as update:
        update(1, 2)
        update(2, 2)
    assert capfd.readouterr() == ("", "")


def test_what_takes_long_is_drawn_on_standard_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.watch("bars") as update:
        time.sleep(0.01)
        update(3, 7)
    out, err = capfd.readouterr()
    assert out == "" and "bars" in err and "3/7" in err


def test_the_first_interrupt_asks_and_the_second_stops() -> None:
    with progress.interruptible() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_handler_from_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with progress.interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
