"""Both heads of YOLOv8, CenterFace's maps and the two passes, on generated graphs and maps."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from vision.detectors.base import Candidates
from vision.detectors.centerface import CenterFace, map_candidates
from vision.detectors.two_pass import detect_faces
from vision.detectors.yolov8 import Yolov8, plain_candidates, pose_candidates
from vision.errors import ModelRefused
from vision.models.sessions import open_session


def constant_graph(path, outputs, *, shape=(1, 3, 640, 640)):
    """Write a graph that answers any image with the same arrays."""
    nodes, declared = [], []
    for index, array in enumerate(outputs):
        value = onnx.numpy_helper.from_array(np.asarray(array, np.float32))
        nodes.append(helper.make_node("Constant", [], [f"out{index}"], value=value))
        declared.append(helper.make_tensor_value_info(f"out{index}", TensorProto.FLOAT, None))
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    return _saved(path, nodes, images, declared)


def brightness_graph(path, shape):
    """Write a plain head whose one box has the picture's mean as its score."""
    box = onnx.numpy_helper.from_array(np.float32([[[320], [320], [100], [50]]]))
    nodes = [
        helper.make_node("Constant", [], ["box"], value=box),
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Constant", [], ["axis"], value_ints=[3]),
        helper.make_node("Squeeze", ["mean", "axis"], ["score"]),
        helper.make_node("Shape", ["mean"], ["many"], start=0, end=1),
        helper.make_node("Constant", [], ["row"], value_ints=[4, 1]),
        helper.make_node("Concat", ["many", "row"], ["rows"], axis=0),
        helper.make_node("Expand", ["box", "rows"], ["boxes"]),
        helper.make_node("Concat", ["boxes", "score"], ["out"], axis=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    return _saved(path, nodes, images, [out])


def _saved(path, nodes, images, outputs):
    graph = helper.make_graph(nodes, "drawn", [images], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return open_session(path, 1)


def plain_row(x, y, width, height, score, *landmarks):
    return [x, y, width, height, score, *landmarks]


def plain(*rows):
    return np.float32(rows).T[None]


@pytest.fixture
def graph_file(tmp_path):
    return tmp_path / "graph.onnx"


WIDE = np.full((360, 640, 3), 128, np.uint8)  # lies 140 px below the letterbox's top


def test_a_plain_head_is_read_back_into_the_photo(graph_file):
    output = plain(plain_row(320, 320, 100, 60, 0.9), plain_row(100, 300, 20, 20, 0.39))

    [[face]] = Yolov8(constant_graph(graph_file, [output])).detect([WIDE])

    assert face.box == pytest.approx((270, 150, 100, 60))
    assert face.confidence == pytest.approx(0.9)
    assert face.landmarks is None


def test_a_plain_head_with_landmarks_gives_them(graph_file):
    points = [(300, 310), (340, 310), (320, 325), (305, 340), (335, 340)]
    flat = [value for x, y in points for value in (x, y, 0.99)]
    output = plain(plain_row(320, 320, 100, 60, 0.9, *flat))

    [[face]] = Yolov8(constant_graph(graph_file, [output])).detect([WIDE])

    assert face.landmarks.tolist() == [[x, y - 140] for x, y in points]
    assert face.landmarks.dtype == np.float32


def test_duplicates_are_suppressed_and_the_most_confident_comes_first(graph_file):
    output = plain(
        plain_row(320, 320, 100, 60, 0.6),
        plain_row(322, 321, 100, 60, 0.8),
        plain_row(500, 250, 40, 40, 0.9),
    )

    [faces] = Yolov8(constant_graph(graph_file, [output])).detect([WIDE])

    assert [round(face.confidence, 1) for face in faces] == [0.9, 0.8]


def test_the_minimum_confidence_is_the_callers_and_inclusive(graph_file):
    session = constant_graph(graph_file, [plain(plain_row(320, 320, 100, 60, 0.25))])

    assert len(Yolov8(session, confidence=0.25).detect([WIDE])[0]) == 1
    assert Yolov8(session, confidence=0.26).detect([WIDE]) == [[]]


@pytest.mark.parametrize("batch", [1, "batch"])
def test_photos_get_their_own_answers_whether_the_graph_batches_or_not(graph_file, batch):
    session = brightness_graph(graph_file, (batch, 3, 640, 640))
    photos = [np.full((640, 640, 3), shade, np.uint8) for shade in (255, 127, 0, 204)]

    detector = Yolov8(session, confidence=0.45)
    found = detector.detect(photos)

    assert detector.batches is (batch == "batch")
    assert [[round(face.confidence, 1) for face in faces] for faces in found] == [
        [1.0],
        [0.5],
        [],
        [0.8],
    ]


def test_a_graph_with_free_sides_gets_an_input_as_small_as_the_photo(graph_file):
    detector = Yolov8(brightness_graph(graph_file, ("n", 3, "h", "w")), confidence=0.1)

    assert detector.shape_for(360, 640) == (384, 640)
    assert detector.shape_for(1200, 400) == (640, 224)
    assert detector.detect([WIDE])[0][0].box == pytest.approx((270, 283, 100, 50))


def test_a_graph_of_another_size_gets_that(graph_file):
    output = plain(plain_row(160, 160, 40, 20, 0.9))

    session = constant_graph(graph_file, [output], shape=(1, 3, 320, 320))

    [[face]] = Yolov8(session).detect([WIDE])
    assert face.box == pytest.approx((280, 160, 80, 40))


def test_a_graph_that_is_no_face_detector_is_refused(graph_file):
    with pytest.raises(ModelRefused):
        Yolov8(constant_graph(graph_file, [np.zeros((1, 84, 10))])).detect([WIDE])


def test_a_photo_with_nothing_on_it_has_no_faces(graph_file):
    assert Yolov8(constant_graph(graph_file, [np.zeros((1, 5, 0))])).detect([WIDE]) == [[]]
    assert Yolov8(constant_graph(graph_file, [np.zeros((1, 5, 0))])).detect([]) == []


def pose_grid(side, *, row, column, sides, logit, landmarks):
    """Return a grid (80, side, side) with one sure cell; distances are whole bins."""
    grid = np.zeros((80, side, side), np.float32)
    grid[64] = -9
    for index, distance in enumerate(sides):
        grid[index * 16 + distance, row, column] = 60
    grid[64, row, column] = logit
    grid[65:, row, column] = np.ravel([(x, y, 5) for x, y in landmarks])
    return grid


POINTS = [(-1, -1), (1, -1), (0, 0.25), (-1, 1), (1, 1)]


def test_the_pose_head_measures_from_the_cells_centre_in_strides():
    grid = pose_grid(20, row=4, column=10, sides=(2, 3, 4, 5), logit=0, landmarks=POINTS)

    found = pose_candidates(grid, stride=32, floor=0.5)

    assert found.scores.tolist() == [0.5]
    assert found.boxes[0] == pytest.approx([8.5 * 32, 1.5 * 32, 6 * 32, 8 * 32], abs=1e-3)
    assert found.landmarks[0].tolist() == [[(x * 2 + 10) * 32, (y * 2 + 4) * 32] for x, y in POINTS]


def test_a_side_is_the_mean_of_its_distribution():
    grid = pose_grid(20, row=4, column=10, sides=(2, 3, 4, 5), logit=3, landmarks=POINTS)
    grid[0, 4, 10] = grid[2, 4, 10]  # left: as likely 0 as 2

    assert pose_candidates(grid, stride=1, floor=0.5).boxes[0, 0] == pytest.approx(9.5)


def test_the_pose_head_joins_its_three_grids(graph_file):
    face = {"sides": (2, 2, 2, 2), "landmarks": POINTS}
    grids = [
        pose_grid(80, row=40, column=20, logit=1, **face),
        pose_grid(40, row=20, column=30, logit=2, **face),
        pose_grid(20, row=10, column=10, logit=-3, **face),
    ]

    [faces] = Yolov8(constant_graph(graph_file, [grid[None] for grid in grids])).detect([WIDE])

    assert [face.confidence for face in faces] == pytest.approx([0.881, 0.731], abs=1e-3)
    assert faces[0].box == pytest.approx((30.5 * 16 - 32, 20.5 * 16 - 32 - 140, 64, 64), abs=1e-2)
    assert faces[1].box == pytest.approx((20.5 * 8 - 16, 40.5 * 8 - 16 - 140, 32, 32), abs=1e-2)


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_the_limits_of_the_minimum_confidence_are_valid(floor):
    grid = pose_grid(20, row=1, column=1, sides=(1, 1, 1, 1), logit=20, landmarks=POINTS)

    assert len(pose_candidates(grid, stride=8, floor=floor).scores) == (400 if floor == 0 else 1)


def test_plain_candidates_are_corners_and_sides():
    found = plain_candidates(plain(plain_row(50, 40, 20, 10, 0.5))[0], floor=0.5)

    assert found.boxes.tolist() == [[40, 35, 20, 10]]


def centerface_maps(rows, columns, *, row, column, heat):
    maps = [np.zeros((many, rows, columns), np.float32) for many in (1, 2, 2, 10)]
    maps[0][0, row, column] = heat
    maps[1][:, row, column] = np.log(10), np.log(5)  # y, x
    maps[2][:, row, column] = 0.25, 0.5
    maps[3][:, row, column] = (0.4, 0.3, 0.4, 0.7, 0.6, 0.5, 0.8, 0.35, 0.8, 0.65)
    return maps


def test_centerface_reads_y_before_x():
    found = map_candidates(*centerface_maps(40, 40, row=20, column=10, heat=0.9), floor=0.5)

    assert found.boxes[0].tolist() == pytest.approx([34, 63, 20, 40], abs=1e-4)
    assert found.landmarks[0].tolist() == [
        pytest.approx([34 + 20 * x, 63 + 40 * y], abs=1e-3)
        for x, y in [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    ]


def test_centerface_is_read_back_into_the_photo(graph_file):
    maps = centerface_maps(96, 160, row=48, column=80, heat=0.9)
    session = constant_graph(graph_file, [m[None] for m in maps], shape=("n", 3, "h", "w"))

    [[face]] = CenterFace(session).detect([WIDE])  # 384 x 640: 12 px above the photo

    assert face.box == pytest.approx((314, 175 - 12, 20, 40), abs=1e-3)
    assert CenterFace(session, confidence=0.95).detect([WIDE]) == [[]]


def test_another_graph_is_no_centerface(graph_file):
    session = constant_graph(graph_file, [np.zeros((1, 5, 9))], shape=("n", 3, "h", "w"))

    with pytest.raises(ModelRefused):
        CenterFace(session).detect([WIDE])


class BrightSpots:
    """A graph that sees white rectangles of up to 100 px; the inputs' padding is black."""

    padding, iou, batches = 0, 0.5, True

    def __init__(self, *, widest=100, narrowest=0, confidence=0.8):
        self.widest, self.narrowest, self.confidence = widest, narrowest, confidence
        self.passes = []

    def shape_for(self, height, width):
        return 200, 200

    def candidates(self, inputs):
        self.passes.append(len(inputs))
        return [self._seen(picture[..., 0] > 128) for picture in inputs]

    def _seen(self, bright):
        _, _, found, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
        boxes = found[1:, :4].astype(np.float32)
        boxes = boxes[(boxes[:, 2] <= self.widest) & (boxes[:, 2] >= self.narrowest)]
        scores = np.full(len(boxes), self.confidence, np.float32)
        return Candidates(boxes, boxes[:, None, :2].repeat(5, axis=1), scores)


def spotted(*boxes):
    photo = np.full((200, 200, 3), 20, np.uint8)
    for x, y, width, height in boxes:
        photo[y : y + height, x : x + width] = 255
    return photo


def boxes_of(faces):
    return sorted(tuple(round(value) for value in face.box) for face in faces)


def test_one_pass_is_enough_for_a_face_within_the_frame():
    graph = BrightSpots()

    [faces] = detect_faces(graph, [spotted((60, 60, 80, 80))])

    assert boxes_of(faces) == [(60, 60, 80, 80)]
    assert graph.passes == [1]


def test_a_crop_that_the_face_fills_is_seen_with_a_border_in_its_own_pixels():
    graph = BrightSpots()

    [faces] = detect_faces(graph, [spotted((10, 10, 180, 180))])

    assert boxes_of(faces) == [(10, 10, 180, 180)]
    assert faces[0].landmarks[0].tolist() == [10, 10]
    assert graph.passes == [1, 1]


def test_only_uncertain_photos_get_a_second_pass_and_results_keep_their_order():
    graph = BrightSpots()
    photos = [spotted((60, 60, 80, 80)), spotted((0, 0, 200, 200)), spotted((20, 20, 40, 40))]

    found = detect_faces(graph, photos)

    assert [boxes_of(faces) for faces in found] == [
        [(60, 60, 80, 80)],
        [(0, 0, 200, 200)],
        [(20, 20, 40, 40)],
    ]
    assert graph.passes == [2, 1, 1]


def test_a_face_that_touches_the_frame_gets_a_second_pass_and_is_counted_once():
    graph = BrightSpots()

    [faces] = detect_faces(graph, [spotted((0, 60, 80, 80), (120, 120, 40, 40))])

    assert boxes_of(faces) == [(0, 60, 80, 80), (120, 120, 40, 40)]
    assert graph.passes == [1, 1]


def test_small_faces_found_only_by_the_first_pass_are_kept():
    graph = BrightSpots(narrowest=30)

    [faces] = detect_faces(graph, [spotted((0, 60, 80, 80), (120, 120, 40, 40))])

    assert boxes_of(faces) == [(0, 60, 80, 80), (120, 120, 40, 40)]


def test_where_a_face_fills_the_frame_other_boxes_of_the_first_pass_are_dropped():
    class Broken(BrightSpots):
        def candidates(self, inputs):
            if self.passes:
                return super().candidates(inputs)
            self.passes.append(len(inputs))
            boxes = np.float32([[0, 0, 170, 170], [155, 155, 30, 30]])
            points = np.zeros((2, 5, 2), np.float32)
            return [Candidates(boxes, points, np.float32([1.0, 0.96]))]

    [faces] = detect_faces(Broken(), [spotted((10, 10, 136, 136))])

    assert boxes_of(faces) == [(10, 10, 136, 136)]


def test_a_second_pass_that_finds_nothing_keeps_the_first():
    class Once(BrightSpots):
        def candidates(self, inputs):
            self.narrowest = 1000 if self.passes else 0
            return super().candidates(inputs)

    [faces] = detect_faces(Once(), [spotted((0, 60, 80, 80))])

    assert boxes_of(faces) == [(0, 60, 80, 80)]


def test_centerface_enlarges_small_photos_little_and_large_ones_not(graph_file):
    detector = CenterFace(open_session(graph_file, 1))

    assert detector.shape_for(1200, 1600) == (480, 640)
    assert detector.shape_for(500, 400) == (512, 416)
    assert detector.shape_for(60, 60) == (256, 256)
