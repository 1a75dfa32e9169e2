"""Count losses, duplicates and stalls while random processes of the product are killed.

`python benchmarks/kills.py FOLDER [--kills 1000] [--seed 1] [--photos 40] [--models PATH]`

Starts the product in a temporary folder, with photos of FOLDER (one folder per person) as its
collection. A client starts runs, makes and undoes decisions, imports people and erases them over
REST, while processes of the product are killed (SIGKILL) at random times: the launcher (restarted
by this script), the stores, the queue's and the web server's processes. The client records every
acknowledged request. After every `--look-every` kills, and at the end, killing pauses and the
product is checked against the record:

lost: acknowledged decisions missing in the log, faces that existed before the first kill and are
not exported any more, missing imports and people. doubled: faces or decisions that exist twice.
stalled: runs, imports, or the product itself, that did not end or become ready in time. came back:
people who were erased. differing: differences reported by `verify_storage` or `rebuild_decisions`.
Exit code 1 if any count is not 0.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.installation import Gone, Installation
from benchmarks.soak_work import ENDED, PERSON_PHOTOS, Unanswered, Work

PATH = "soak/photos"
SUFFIXES = {".jpg", ".jpeg"}
BOUND_S = 300.0  # after the last kill, for everything to end
COUNTS = ("lost", "doubled", "stalled", "came back", "differing")


def main() -> None:
    """Run the kills and checks, print the table, exit with 1 if any count is not 0."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="photos, a folder for each person")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="end after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=int, default=40, help="in the collection")
    parser.add_argument("--look-every", type=int, default=50, help="kills between two checks")
    parser.add_argument("--pause", type=float, default=3.0, help="longest, between two kills")
    parser.add_argument("--models", default=os.environ.get("FACEADMIN_MODELS", ""))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faceadmin-kills-"))
    people = photos_of(options.folder)
    fill(folder / "buckets" / PATH, people, options.photos)
    product = Installation(folder, buckets=folder / "buckets", models=options.models)
    soak = Soak(product, people, chance=random.Random(options.seed), pause=options.pause)
    try:
        soak.run(options.kills, look_every=options.look_every, minutes=options.minutes)
    finally:
        product.stop()
    soak.report()
    if any(soak.found[name] for name in COUNTS):
        print(f"The data folder is kept: {folder}")
        sys.exit(1)
    shutil.rmtree(folder)


class Soak:
    """Kills processes while a client works, and counts the faults."""

    def __init__(
        self,
        product: Installation,
        people: dict[str, list[Path]],
        *,
        chance: random.Random,
        pause: float,
    ) -> None:
        self._product, self._chance, self._pause = product, chance, pause
        # A separate seed: the number of client requests does not change the sequence of kills.
        self._work = Work(product, PATH, people, chance=random.Random(chance.random()))
        self._killed: Counter[str] = Counter()
        self._faces: set[str] = set()
        self._started = time.monotonic()
        self._settle_times: list[float] = []
        self._reported: set[tuple[str, str]] = set()
        self.found: Counter[str] = Counter()

    def run(self, kills: int, *, look_every: int, minutes: float) -> None:
        """Kill ``kills`` times or for ``minutes``, with a check every ``look_every`` kills."""
        self._product.start()
        self._product.create_key()
        state = self._work.run(full=False, seconds=BOUND_S)
        assert state == "finished", f"the first run, before any kill, is {state}"
        self._faces = {row["face_id"] for row in self._work.faces_stored()}
        say(f"{len(self._faces)} faces before the first kill")
        self._started = time.monotonic()
        until = self._started + 60 * minutes
        while (done := self._killed.total()) < kills and time.monotonic() < until:
            try:
                self._kill_during_work(min(done + look_every, kills))
                self._check()
            except (Gone, TimeoutError, Unanswered) as trouble:
                self._add_fault("stalled", str(trouble))
                return
            say(f"{self._killed.total()} kills: {dict(self.found) or 'no faults'}")

    def report(self) -> None:
        """Print the numbers of kills, requests and faults."""
        took = time.monotonic() - self._started
        total = self._killed.total()
        print(f"\n{total} kills in {took:.0f} s, {took / max(total, 1):.1f} s a kill")
        for name, count in self._killed.most_common():
            print(f"  {count:5} {name}")
        print("Requests:")
        for name, count in sorted(self._work.ledger.done.items()):
            print(f"  {count:5} {name}")
        if self._settle_times:
            print(f"All had ended {max(self._settle_times):.0f} s after the last kill, at most.")
        print(" | ".join(COUNTS))
        print(" | ".join(str(self.found[name]) for name in COUNTS))

    def _kill_during_work(self, until: int) -> None:
        is_over = threading.Event()
        client = threading.Thread(target=self._act, args=(is_over,))
        client.start()
        try:
            while self._killed.total() < until:
                time.sleep(self._chance.uniform(0, self._pause))
                self._kill()
        finally:
            is_over.set()
            client.join()

    def _act(self, is_over: threading.Event) -> None:
        while not is_over.wait(0.05):
            self._work.step()

    def _kill(self) -> None:
        """Kill a random process; restart the launcher if it was the one."""
        if (processes := self._product.processes()) and self._product.is_up():
            process = self._chance.choice(sorted(processes))
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self._killed[processes[process]] += 1
        self._restart()

    def _restart(self) -> None:
        """Start the launcher if it has ended; its processes end with it."""
        time.sleep(0.2)
        try:
            if self._product.is_up():
                return
        except Gone as gone:
            self._add_fault("stalled", str(gone))
        until = time.monotonic() + 30
        while self._product.processes() and time.monotonic() < until:
            time.sleep(0.1)
        self._product.start()

    def _check(self) -> None:
        """Wait without kills until all work has ended, and compare the product with the ledger."""
        last_kill = time.monotonic()
        self._product.wait_ready(BOUND_S)
        self._wait_ended(last_kill + BOUND_S)
        self._settle_times.append(time.monotonic() - last_kill)
        state = self._work.run(full=True, seconds=BOUND_S)
        if state != "finished":
            self._add_fault("stalled", f"a run after the kills is {state}")
        self._check_faces()
        self._check_decisions()
        self._check_people()
        for command in ("verify_storage", "rebuild_decisions"):
            code, output = self._product.command(command, PATH)
            if code:
                self._add_fault("differing", f"{command}: {output}")

    def _wait_ended(self, until: float) -> None:
        ledger = self._work.ledger
        waiting = {f"/api/v1/runs/{run}/" for run in ledger.runs}
        waiting |= {f"/api/v1/profiles/imports/{one}/" for one in ledger.imports}
        while waiting and time.monotonic() < until:
            waiting -= {path for path in waiting if self._has_ended(path)}
            time.sleep(0.5)
        for path in waiting:
            self._add_fault("stalled", f"{path} is {self._work.state_of(path)}")
        ledger.runs.clear()  # they have ended; the product deletes old runs

    def _has_ended(self, path: str) -> bool:
        status, answer = self._product.call("GET", path)
        return status == 404 or (status == 200 and answer["state"] in ENDED)

    def _check_faces(self) -> None:
        rows = self._work.faces_stored()
        seen = Counter(row["face_id"] for row in rows)
        places = Counter((row["image_path"], *row["bbox"]) for row in rows)
        for face in self._faces - seen.keys():  # faces marked as not a face are in no cluster
            if self._product.call("GET", f"/api/v1/faces/{face}/")[0] != 200:
                self._add_fault("lost", f"face {face}")
        for face in seen.keys() - self._faces:
            self._add_fault("doubled", f"face {face} that was not there before the kills")
        for counted in (seen, places):
            for name, count in counted.items():
                if count > 1:
                    self._add_fault("doubled", f"{name} is there {count} times")

    def _check_decisions(self) -> None:
        stored, ledger = Counter(self._work.decisions_stored()), self._work.ledger
        for decision in ledger.decisions - stored.keys():
            self._add_fault("lost", f"decision {decision}")
        twice = sum(stored.values()) - len(ledger.decisions) - ledger.unknown_decisions
        if twice > 0:
            self._add_fault("doubled", f"{twice} decisions more than were sent")

    def _check_people(self) -> None:
        known, ledger = self._work.people_stored(), self._work.ledger
        for person in ledger.erased & known.keys():
            self._add_fault("came back", person)
        for person, photos in known.items():
            if photos > PERSON_PHOTOS:
                self._add_fault("doubled", f"{person} has {photos} photos of {PERSON_PHOTOS}")
        for import_id, person in list(ledger.imports.items()):
            status, job = self._product.call("GET", f"/api/v1/profiles/imports/{import_id}/")
            gone = ledger.erased | ledger.maybe_erased
            if status == 404 and person not in gone:
                self._add_fault("lost", f"import {import_id} of {person}")
            elif status == 200 and person not in gone:
                expected = job["total"] - job["refused"] if job["state"] == "finished" else 0
                if known.get(person, 0) < expected:
                    self._add_fault("lost", f"photos of {person}, whose import is {job}")

    def _add_fault(self, what: str, detail: str) -> None:
        """Count a fault; the same fault is counted once."""
        if (what, detail) not in self._reported:
            self._reported.add((what, detail))
            self.found[what] += 1
            say(f"{what.upper()}: {detail}")


def photos_of(folder: Path) -> dict[str, list[Path]]:
    """Return the photos of each person by folder name; exit if there are none."""
    people = {
        one.name.replace(" ", "_"): [
            photo for photo in sorted(one.iterdir()) if photo.suffix.lower() in SUFFIXES
        ]
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    found = {name: photos for name, photos in people.items() if photos}
    if not found:
        sys.exit(f"{folder} has no folders with photos (.jpg) in them.")
    return found


def fill(target: Path, people: dict[str, list[Path]], photos: int) -> None:
    """Copy an equal number of photos of each person into the collection's folder."""
    each = max(photos // len(people), 1)
    for name, some in people.items():
        (target / name).mkdir(parents=True)
        for photo in some[:each]:
            shutil.copy(photo, target / name)


def say(sentence: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


if __name__ == "__main__":
    main()
