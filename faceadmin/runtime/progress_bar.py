"""Progress in a terminal: a bar with rate and remaining time, or plain lines without a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm

EVERY_S = 10.0
EVERY_PERCENT = 10


class Progress:
    """Progress of one task; writes to standard error, or to the given file.

    Without a terminal the first and the last state are printed, and between them one line per ten
    per cent or ten seconds.
    """

    def __init__(self, title: str, *, unit: str = "", file: TextIO | None = None) -> None:
        self.title, self.unit = title, unit
        self._file = file or sys.stderr
        self._bar: tqdm | None = None
        self._started = self._written = time.monotonic()
        self._state = self._said = (-1, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._state != self._said:
            self._line()

    def update(self, done: int, total: int) -> None:
        """Show ``done`` of ``total``; a total of 0 means unknown.

        A smaller ``done`` than before starts a new bar.
        """
        if done < self._state[0]:
            self._start_anew()
        self._state = (done, total)
        if self._file.isatty():
            self._draw()
        elif self._is_due():
            self._line()

    def say(self, sentence: str) -> None:
        """Write a sentence above the bar."""
        if self._bar is None:
            print(sentence, file=self._file, flush=True)
        else:
            self._bar.write(sentence, file=self._file)

    def _start_anew(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar, self._said = None, (-1, -1)
        self._started = time.monotonic()

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=self.title,
                unit=self.unit or "it",
                unit_scale=self.unit == "B",
                file=self._file,
                dynamic_ncols=True,
                mininterval=0.2,
            )
        done, total = self._state
        self._bar.total = total or None
        self._bar.update(done - self._bar.n)
        self._bar.refresh()

    def _is_due(self) -> bool:
        (done, total), (said, total_said) = self._state, self._said
        if said < 0 or (done == total and self._state != self._said):
            return True
        if (total > 0) != (total_said > 0):
            return True
        step = total * EVERY_PERCENT // 100
        late = time.monotonic() - self._written >= EVERY_S
        return late or (step > 0 and done // step > said // step)

    def _line(self) -> None:
        done, total = self._state
        self._said, self._written = self._state, time.monotonic()
        amount = f"{self._shown(done)} of {self._shown(total)}" if total else self._shown(done)
        percent = f", {100 * done // total} %" if total else ""
        self.say(f"{self.title}: {amount}{percent}{self._pace(done, total)}")

    def _pace(self, done: int, total: int) -> str:
        elapsed = time.monotonic() - self._started
        if not 0 < done < total or elapsed < 1:
            return ""
        rate = done / elapsed
        left = round((total - done) / rate)
        return f", {self._shown(round(rate))} a second, {left // 60}:{left % 60:02d} left"

    def _shown(self, amount: int) -> str:
        if self.unit == "B":
            return f"{amount / 1e6:.1f} MB"
        return f"{amount} {self.unit}".strip()
