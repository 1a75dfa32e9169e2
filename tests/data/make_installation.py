"""Make a kept data folder with the code of an earlier commit.

    git worktree add ../earlier COMMIT
    python tests/data/make_installation.py ../earlier tests/data/installation-format-N.tar.xz

Run it with the Python of an environment that has the requirements of that commit, and with
FACEADMIN_MODELS set to folders with model files. It starts the product of the checkout on an empty
folder, fills it with photos that the checkout's tests draw and with secrets made for it, stops the
product, and packs the folder without models, logs and sockets. The file ``key`` in the archive
holds an admin's key. ``fill`` uses test helpers by the names they had in commit a3e46f9; for a
later commit, use the names of that commit.
"""

import argparse
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

LEFT_OUT = {"models", "logs", "run", "lock"}
PASSWORD = "drawn-photos-only"
READY_S = 120


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("archive", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        key = filled(given.checkout.resolve(), data)
        (Path(folder) / "key").write_text(f"{key}\n", encoding="ascii")
        with tarfile.open(given.archive, "w:xz", preset=9) as archive:
            archive.add(Path(folder) / "key", "key", filter=anonymous)
            for path in sorted(data.iterdir()):
                if path.name not in LEFT_OUT:
                    archive.add(path, f"data/{path.name}", filter=anonymous)
    sys.stdout.write(f"{given.archive}: {given.archive.stat().st_size} bytes\n")


def filled(checkout, data):
    """Fill a data folder by the product of a checkout; return an admin's API key."""
    port = free_port()
    environment = {
        **os.environ,
        "FACEADMIN_DATA": str(data),
        "FACEADMIN_PORT": str(port),
        "FACEADMIN_MONGODB_PORT": str(free_port()),
        "FACEADMIN_WORKERS": "1",
        "PYTHONPATH": str(checkout),
        "DJANGO_SETTINGS_MODULE": "faceadmin.settings",
    }
    command = [sys.executable, "manage.py", "up"]
    up = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/health/ready", up)
        call = f"import runpy; runpy.run_path({str(Path(__file__).resolve())!r})['fill']()"
        ended = subprocess.run(
            [sys.executable, "-c", call],
            cwd=checkout,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait()
    return json.loads(ended.stdout.splitlines()[-1])["key"]


def wait_until_ready(address, up):
    """Return when the product and the workers answer."""
    for _ in range(READY_S):
        try:
            with urllib.request.urlopen(address, timeout=10):
                return
        except (urllib.error.URLError, OSError):
            if up.poll() is not None:
                raise SystemExit("The product of the checkout ended.") from None
        try:
            up.wait(1)
        except subprocess.TimeoutExpired:
            continue
    raise SystemExit("The product of the checkout does not become ready.")


def free_port():
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def anonymous(entry):
    """Leave out sockets and the names of this machine's accounts."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry if entry.isreg() or entry.isdir() else None


def fill():
    """Write profiles, a run, assignments, decisions, accounts and a key; print the key as JSON.

    Runs inside of the earlier checkout, while its product runs on the data folder.
    """
    import django

    django.setup()
    from django.conf import settings

    from storage.names import CollectionName
    from tests.assignments.conftest import Album, AlbumEngine
    from tests.clustering.deciding import Reviewed
    from tests.profiles.conftest import People

    engine = AlbumEngine()
    for name in ("clustering.opening", "assignments.edge", "profiles.edge"):
        module = importlib.import_module(name)
        if hasattr(module, "get_engine"):
            module.get_engine = lambda _: engine

    people = People((settings.DATA / "references", settings.DATA / "crops"))
    people.engine = engine
    people.enrol("ada", 1, name="Ada")
    people.enrol("bob", 2)

    album = Album(settings.BUCKETS_ROOT)
    shutil.rmtree(album.folder)
    album.engine = engine
    album.name = CollectionName("painted", "summer")
    album.folder = settings.BUCKETS_ROOT / "painted" / "summer"
    album.folder.mkdir(parents=True)
    album.match(album.cluster((1, 2, 3), (1, 2), (1, 4), (3, 4), (1, 5), (6,)))
    decide(Reviewed(album))
    sys.stdout.write(json.dumps({"key": add_callers()}) + "\n")


def add_callers():
    """Create a reviewer, a viewer and an admin's key; return the key."""
    from django.contrib.auth.models import Group, User

    from web.auth import key_create
    from web.roles import Role

    for name, role in (("rita", Role.REVIEWER), ("vera", Role.VIEWER)):
        user = User.objects.create_user(name, password=PASSWORD)
        user.groups.add(Group.objects.get(name=role.value))
    return key_create("kept installation", Role.ADMIN)[1]


def decide(reviewed):
    """Make seven decisions, of which one undoes another."""
    ada = reviewed.label("p0.png", 0)
    eve = reviewed.label("p0.png", 2)
    dan = reviewed.label("p2.png", 1)
    faces = (reviewed.face("p0.png"),)
    reviewed.decide("confirm", faces=faces, cluster=ada)
    reviewed.decide("confirm_profile", cluster=ada, user_id="ada")
    faces, single = (reviewed.face("p4.png", 1),), reviewed.label("p4.png", 1)
    reviewed.decide("move", faces=faces, cluster=single, to=eve)
    faces, noise = (reviewed.face("p5.png"),), reviewed.label("p5.png", 0)
    reviewed.decide("not_a_face", faces=faces, cluster=noise)
    reviewed.undo(reviewed.decide("merge", cluster=eve, other=dan))
    reviewed.decide("not_same", cluster=eve, other=dan)


if __name__ == "__main__":
    main()
