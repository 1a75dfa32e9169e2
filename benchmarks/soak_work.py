"""A client that sends random requests to the product, and a ledger of acknowledged requests.

The outcome of a request without a response is unknown: it is recorded as such and not repeated.
Every acknowledged change must exist exactly once in the end.
"""

import io
import random
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.installation import Installation

ENDED = ("finished", "failed", "cancelled")
PERSON_PHOTOS = 3
ABOUT_FACES = ("confirm", "reject", "not_a_face", "ignore", "split")
ABOUT_CLUSTERS = ("merge", "not_same")


class Unanswered(Exception):
    """The product does not answer although no process is being killed."""


@dataclass
class Ledger:
    """Acknowledged requests, and requests with an unknown outcome."""

    decisions: set[str] = field(default_factory=set)
    unknown_decisions: int = 0
    runs: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)  # person by import id
    erased: set[str] = field(default_factory=set)
    maybe_erased: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)


class Work:
    """A client that sends random requests, one after the other."""

    def __init__(
        self,
        product: Installation,
        path: str,
        people: dict[str, list[Path]],
        *,
        chance: random.Random,
    ) -> None:
        self.ledger = Ledger()
        self._product, self._path, self._people, self._chance = product, path, people, chance
        self._number = 0

    def step(self) -> None:
        """Send one random request."""
        act = self._chance.choices(
            (self._run, self._decide, self._undo, self._import, self._erase), (2, 6, 2, 2, 1)
        )[0]
        act()

    def run(self, *, full: bool, seconds: float) -> str:
        """Start a run and wait for its end; return its state."""
        until = time.monotonic() + seconds
        run = ""
        while time.monotonic() < until:
            if not run:
                run = self._run(full=full)
            elif (state := self.state_of(f"/api/v1/runs/{run}/")) in ENDED:
                return state
            time.sleep(0.5)
        return "stalled"

    def state_of(self, path: str) -> str:
        """Return the state of a run or an import, empty without an answer."""
        return str((self._product.call("GET", path)[1] or {}).get("state", ""))

    def decisions_stored(self) -> list[str]:
        """Return the ids of all decisions in the log."""
        return [
            one["id"]
            for page in self._pages(f"/api/v1/activity/?collection={self._path}&limit=100")
            for one in page["decisions"]
        ]

    def faces_stored(self) -> list[dict[str, Any]]:
        """Return all exported faces."""
        path = f"/api/v1/export/clusters/?collection={self._path}&format=json"
        rows: list[dict[str, Any]] = self._get(path)["faces"]
        return rows

    def people_stored(self) -> dict[str, int]:
        """Return the number of reference photos by person."""
        pages = self._pages("/api/v1/profiles/?limit=100")
        return {
            one["user_id"]: one["reference_photos"] for page in pages for one in page["profiles"]
        }

    def _run(self, *, full: bool | None = None) -> str:
        full = self._chance.random() < 0.7 if full is None else full
        status, answer = self._product.call(
            "POST",
            f"/cluster-bucket-with-db/{self._path}?batch_size=5&full={str(full).lower()}",
        )
        self._count("run", status)
        if status != 202:
            return ""
        run = str(answer["clustering_id"])
        self.ledger.runs.add(run)
        return run

    def _decide(self) -> None:
        faces = self._product.call(
            "GET", f"/api/v1/export/clusters/?collection={self._path}&format=json"
        )[1]
        rows = (faces or {}).get("faces", [])
        in_clusters = [row for row in rows if row["cluster_id"].startswith("cluster_")]
        if not in_clusters:
            return
        one, other = self._chance.choice(in_clusters), self._chance.choice(in_clusters)
        kind = self._chance.choice((*ABOUT_FACES, *ABOUT_CLUSTERS))
        command: dict[str, Any] = {"kind": kind, "cluster": one["cluster_id"]}
        if kind in ABOUT_CLUSTERS:
            command["other"] = other["cluster_id"]
        else:
            command["faces"] = [one["face_id"]]
        status, answer = self._product.call(
            "POST",
            "/api/v1/decisions/",
            body={"collection": self._path, "decisions": [command]},
        )
        self._count("decision", status)
        if status == 201:
            self.ledger.decisions.add(answer["results"][0]["decision"]["id"])
        elif is_unknown(status):
            self.ledger.unknown_decisions += 1

    def _undo(self) -> None:
        if not self.ledger.decisions:
            return
        chosen = self._chance.choice(sorted(self.ledger.decisions))
        status, answer = self._product.call("POST", f"/api/v1/decisions/{chosen}/undo/", body={})
        self._count("undo", status)
        if status == 201:
            self.ledger.decisions.add(answer["id"])
        elif is_unknown(status):
            self.ledger.unknown_decisions += 1

    def _import(self) -> None:
        name = self._chance.choice(sorted(self._people))
        self._number += 1
        person = f"{name}.{self._number}"
        status, answer = self._product.call(
            "POST",
            "/api/v1/profiles/import/",
            form=({"force": "true"}, zipped(person, self._people[name][:PERSON_PHOTOS])),
        )
        self._count("import", status)
        if status == 202:
            self.ledger.imports[answer["import_id"]] = person

    def _erase(self) -> None:
        left = sorted({*self.ledger.imports.values()} - self.ledger.erased)
        if not left:
            return
        person = self._chance.choice(left)
        status, answer = self._product.call("DELETE", f"/debug-profile/{person}")
        self._count("erasure", status)
        if status == 200 and answer["complete"]:
            self.ledger.erased.add(person)
        elif is_unknown(status):
            self.ledger.maybe_erased.add(person)

    def _count(self, what: str, status: int) -> None:
        outcome = "unknown" if is_unknown(status) else "done" if status < 300 else "refused"
        self.ledger.done[f"{what} {outcome}"] += 1

    def _get(self, path: str) -> Any:
        status, answer = self._product.call("GET", path)
        if status != 200:
            raise Unanswered(f"GET {path} is answered with {status}, {answer}")
        return answer

    def _pages(self, path: str) -> Iterator[Any]:
        page = self._get(path)
        yield page
        while page["next"]:
            page = self._get(f"{path}&cursor={page['next']}")
            yield page


def is_unknown(status: int) -> bool:
    """Return whether the outcome of a request is unknown: no answer, or a server error."""
    return status == 0 or status >= 500


def zipped(person: str, photos: list[Path]) -> bytes:
    """Return the zip that enrols a person."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for photo in photos:
            archive.write(photo, f"{person}/{photo.name}")
    return buffer.getvalue()
