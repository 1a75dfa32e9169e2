"""One session per process and file: opened once, by any thread, and anew after a fork."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.vision.graphs import doubling_graph
from vision.errors import ModelRefused
from vision.models.sessions import open_session

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "double.onnx"
    path.write_bytes(doubling_graph(["n", 3]))
    return path


def test_a_session_runs_and_tells_its_shapes(graph):
    session = open_session(graph, 1)

    (doubled,) = session.run(np.array([[1, 2, 3]], np.float32))

    assert doubled.tolist() == [[2, 4, 6]]
    assert (session.input_name, session.input_shape) == ("image", (None, 3))
    assert session.output_shapes == ((None, 3),)


def test_all_callers_share_one_session(graph):
    assert open_session(graph, 1) is open_session(graph.parent / "." / graph.name, 1)
    assert open_session(graph, 1) is not open_session(graph, 2)


def test_threads_open_it_once(graph, monkeypatch):
    import vision.models.sessions

    opened = []
    real = vision.models.sessions._opened
    monkeypatch.setattr(
        vision.models.sessions, "_opened", lambda *given: opened.append(given) or real(*given)
    )
    session = open_session(graph, 1)

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda row: session.run(np.full((1, 3), row, np.float32))[0][0, 0], range(64))
        )

    assert answers == [2 * row for row in range(64)]
    assert len(opened) == 1


def test_nothing_is_opened_before_it_is_used(tmp_path):
    session = open_session(tmp_path / "absent.onnx", 1)

    with pytest.raises(ModelRefused, match=r"absent\.onnx"):
        session.run(np.zeros((1, 3), np.float32))


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"\x00\x01 no graph")

    with pytest.raises(ModelRefused, match=r"damaged\.onnx"):
        _ = open_session(path, 1).input_shape


def test_an_input_of_another_shape_is_refused(graph):
    with pytest.raises(ModelRefused, match=r"\(1, 4\)"):
        open_session(graph, 1).run(np.zeros((1, 4), np.float32))


def test_a_forked_child_opens_its_own_and_ends(graph):
    # ONNX Runtime's telemetry thread alone keeps a child from ending, so it has to be off.
    # The child leaves through Python's whole shutdown, where destroying the parent's copy, whose
    # threads do not exist in the child, would wait forever.
    script = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        import numpy as np
        from vision.models.sessions import open_session

        session = open_session(Path(sys.argv[1]), 2)
        ones = np.ones((1, 3), np.float32)
        session.run(ones)
        parents = session._opened
        child = os.fork()
        if child == 0:
            answer = session.run(ones)[0].tolist()
            sys.exit(0 if answer == [[2, 2, 2]] and session._opened is not parents else 1)
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status))
        """
    )

    done = subprocess.run([sys.executable, "-c", script, graph], cwd=ROOT, timeout=20, check=False)

    assert done.returncode == 0
