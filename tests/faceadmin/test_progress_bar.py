"""Progress is a bar in a terminal and plain lines elsewhere."""

import io

import pytest

from faceadmin.runtime import progress_bar
from faceadmin.runtime.progress_bar import Progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress_bar, "time", clock)
    return clock


def lines_of(updates, clock, *, seconds=0.0, **options):
    file = io.StringIO()
    with Progress("Photos", file=file, **options) as progress:
        for done, total in updates:
            progress.update(done, total)
            clock.now += seconds
    return file.getvalue().splitlines()


def test_without_a_terminal_it_says_the_first_every_tenth_and_the_last(clock):
    lines = lines_of([(done, 100) for done in range(101)], clock, unit="photos")

    assert lines[0] == "Photos: 0 photos of 100 photos, 0 %"
    assert lines[1] == "Photos: 10 photos of 100 photos, 10 %"
    assert lines[-1] == "Photos: 100 photos of 100 photos, 100 %"
    assert len(lines) == 11


def test_without_a_terminal_slow_work_is_heard_of_every_ten_seconds(clock):
    lines = lines_of([(done, 10_000) for done in range(21)], clock, seconds=1.0)

    assert len(lines) == 3
    assert lines[1] == "Photos: 10 of 10000, 0 %, 1 a second, 166:30 left"


def test_work_that_was_done_already_is_one_line(clock):
    assert lines_of([(5, 5), (5, 5)], clock) == ["Photos: 5 of 5, 100 %"]


def test_a_second_piece_of_the_work_begins_anew(clock):
    lines = lines_of([(1, 2), (2, 2), (0, 9), (9, 9)], clock)

    assert lines == [
        f"Photos: {one} %" for one in ("1 of 2, 50", "2 of 2, 100", "0 of 9, 0", "9 of 9, 100")
    ]


def test_no_work_is_no_line(clock):
    assert lines_of([], clock) == []


def test_bytes_are_shown_as_megabytes(clock):
    assert lines_of([(1_500_000, 3_000_000)], clock, unit="B") == ["Photos: 1.5 MB of 3.0 MB, 50 %"]


def test_an_unknown_total_is_not_made_up(clock):
    assert lines_of([(7, 0)], clock) == ["Photos: 7"]


def test_a_terminal_shows_rate_and_time_left():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    file = Terminal()
    with Progress("Photos", unit="photos", file=file) as progress:
        progress.update(1, 4)
        progress.say("Waiting.")
        progress.update(4, 4)

    assert "4/4" in file.getvalue()
    assert "photos/s" in file.getvalue()
    assert "Waiting.\n" in file.getvalue()
