"""Where the faces of one picture are. Loads ONNX Runtime, which only the enclosed process does, and the benchmark."""

from __future__ import annotations

import os

# Else it tells its makers, over the network, of every run; and the thread that does is in the way of a fork.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from clips.media.faces import weights
from clips.media.faces.cover import Boxes
from clips.media.faces.rules import WHOLE

Picture = NDArray[np.uint8]

# The network looks at places of this many pixels.
_PLACE = 4
# The logarithm of the largest side that is believed, in places: some twelve thousand pixels.
_LARGEST = 8.0
# Boxes that share this much of both are of one face.
_ONE_FACE = 0.3


class Detector:
    """CenterFace, as ``weights.network`` gives it, on one thread or several."""

    def __init__(self, network: bytes, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A plan of the memory is made at the first look and taken anew at the second, which a short clip never earns.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def look(self, picture: Picture, *, sure: float) -> Boxes:
        """The faces in a picture of height, width and red, green, blue that it is so ``sure`` of; the surest first."""
        height, width = picture.shape[:2]
        padded = np.zeros((1, 3, -(-height // WHOLE) * WHOLE, -(-width // WHOLE) * WHOLE), np.float32)
        padded[0, :, :height, :width] = picture.transpose(2, 0, 1)
        heat, size, place = self._session.run(list(weights.OUTPUTS), {weights.INPUT: padded})
        rows, columns = np.nonzero(heat[0, 0] > sure)
        # Of a side without end, what lies beyond it would have no number.
        high, wide = (np.exp(np.minimum(size[0, n, rows, columns], _LARGEST)) * _PLACE for n in (0, 1))
        left = (columns + place[0, 1, rows, columns] + 0.5) * _PLACE - wide / 2
        top = (rows + place[0, 0, rows, columns] + 0.5) * _PLACE - high / 2
        found = np.stack([left, top, left + wide, top + high, heat[0, 0, rows, columns]], axis=1)
        return _one_each(found.astype(np.float32))


def _one_each(boxes: Boxes) -> Boxes:
    """Of the boxes that lie over each other, the surest."""
    left, kept = boxes[np.argsort(-boxes[:, 4], kind="stable")], []
    while len(left):
        first = left[0]
        kept.append(first)
        left = left[shared(first, left) < _ONE_FACE]
    return np.array(kept, np.float32).reshape(-1, 5)


def shared(box: Boxes, others: Boxes) -> NDArray[np.float32]:
    """How much of their common area a box shares with each of the others, from 0 to 1."""
    sides = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    common = np.prod(np.clip(sides, 0, None), axis=1)
    areas = np.prod(others[:, 2:4] - others[:, :2], axis=1) + np.prod(box[2:4] - box[:2])
    return np.asarray(common / np.maximum(areas - common, 1e-6), np.float32)
