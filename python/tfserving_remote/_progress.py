# SPDX-License-Identifier: Apache-2.0
"""Progress of a publish on standard error: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import TextIO

from tfserving_remote.publishing import Progress

_WIDTH = 24
_LINE_EVERY_S = 5.0


def human_bytes(count: float) -> str:
    """1536 as "1.5 KiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def human_seconds(seconds: float) -> str:
    """75 as "1:15"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class ProgressBar:
    """Call it with every Progress; call `close` at the end."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._terminal = out.isatty()
        self._phase = ""
        self._began = 0.0
        self._last_line = 0.0

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase != self._phase:
            self.close()
            self._phase = progress.phase
            self._began = self._last_line = now
        if self._terminal:
            self._out.write("\r\x1b[K" + self._line(progress, now))
            self._out.flush()
        elif progress.done == progress.total or now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            self._out.write(self._line(progress, now) + "\n")

    def _line(self, progress: Progress, now: float) -> str:
        share = progress.done / progress.total if progress.total else 1.0
        parts = [progress.phase]
        if self._terminal:
            full = round(_WIDTH * share)
            parts.append("█" * full + "░" * (_WIDTH - full))
        parts.append(f"{share:4.0%} {human_bytes(progress.done)} of {human_bytes(progress.total)}")
        elapsed = now - self._began
        if elapsed > 0 and progress.done:
            rate = progress.done / elapsed
            parts.append(f"{human_bytes(rate)}/s")
            if progress.done < progress.total:
                parts.append(f"{human_seconds((progress.total - progress.done) / rate)} left")
        return "  ".join(parts)

    def close(self) -> None:
        """End the line on a terminal."""
        if self._terminal and self._phase:
            self._out.write("\n")
        self._phase = ""
