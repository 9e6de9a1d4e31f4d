"""Where faces are looked for in a picture, when the one before it was looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips.media.faces.cover import Boxes
from clips.media.faces.looking import Looker, Picture, spared
from clips.media.faces.rules import WHOLE

HEIGHT, WIDTH = 352, 640


def scene() -> Picture:
    return np.random.default_rng(1).integers(60, 180, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def with_marks(picture: Picture, *marks: tuple[int, int, int], bright: int = 255) -> Picture:
    """Squares of (left, top, side) in one colour: what the detector of these tests takes for faces."""
    marked = picture.copy()
    for left, top, side in marks:
        marked[top : top + side, left : left + side] = bright
    return marked


class Marks:
    """Finds pure white squares as they lie in what it is given, and remembers how much that was."""

    def __init__(self) -> None:
        self.looked: list[tuple[int, ...]] = []

    def __call__(self, picture: Picture) -> Boxes:
        self.looked.append(picture.shape[:2])
        white = (picture == 255).all(axis=2)
        found = []
        while white.any():
            top, left = (int(n) for n in np.argwhere(white)[0])
            right = left + int(np.argmin(np.append(white[top, left:], False)))
            bottom = top + int(np.argmin(np.append(white[top:, left], False)))
            white[top:bottom, left:right] = False
            found.append([left, top, right, bottom, 0.9])
        return np.array(found, np.float32).reshape(-1, 5)


def places(boxes: Boxes) -> set[tuple[int, ...]]:
    return {tuple(int(n) for n in box[:4]) for box in boxes}


def test_what_stands_still_is_not_looked_at_again() -> None:
    look, noise = Marks(), np.random.default_rng(2)
    looker, still = Looker(look), with_marks(scene(), (40, 40, 24))
    for _ in range(5):
        picture = np.where(still == 255, 255, still + noise.integers(-6, 7, still.shape)).astype(np.uint8)
        assert places(looker.faces(picture)) == {(40, 40, 64, 64)}
    assert look.looked == [(HEIGHT, WIDTH)]


def test_who_comes_is_found_and_who_stays_is_not_forgotten() -> None:
    look = Marks()
    looker = Looker(look)
    looker.faces(with_marks(scene(), (40, 40, 24)))
    assert places(looker.faces(with_marks(scene(), (40, 40, 24), (500, 200, 12)))) == {
        (40, 40, 64, 64),
        (500, 200, 512, 212),
    }
    height, width = look.looked[1]
    assert height % WHOLE == width % WHOLE == 0
    assert height * width < HEIGHT * WIDTH / 4
    assert places(looker.faces(with_marks(scene(), (40, 40, 24)))) == {(40, 40, 64, 64)}


def test_what_changes_slowly_is_looked_at_when_it_has_changed() -> None:
    look = Marks()
    looker = Looker(look)
    for level in range(120, 256, 3):
        found = looker.faces(with_marks(scene(), (320, 160, 16), bright=level))
    assert places(found) == {(320, 160, 336, 176)}
    assert 10 < len(look.looked) < 40


def test_a_face_that_is_touched_is_looked_at_whole() -> None:
    """Of a large face only the mouth moves: the part that is looked at holds all of the face."""
    look = Marks()
    looker = Looker(look)
    looker.faces(with_marks(scene(), (96, 64, 160)))
    moved = with_marks(scene(), (96, 64, 160))
    moved[200:208, 240:248] = 200
    looker.faces(moved)
    assert look.looked[1][0] >= 160 + 80
    assert look.looked[1][1] >= 160 + 80


def test_pictures_of_another_size_are_looked_at_whole() -> None:
    look = Marks()
    looker = Looker(look)
    looker.faces(scene())
    looker.faces(scene()[:320])
    assert look.looked == [(HEIGHT, WIDTH), (320, WIDTH)]


@pytest.mark.parametrize("size", [(8, 8), (30, 50), (353, 641)])
def test_pictures_of_any_size_are_looked_at_to_their_edges(size: tuple[int, int]) -> None:
    look = Marks()
    looker = Looker(look)
    dark = np.zeros((*size, 3), np.uint8)
    looker.faces(dark)
    corner = dark.copy()
    corner[-4:, -4:] = 255
    assert places(looker.faces(corner)) == {(size[1] - 4, size[0] - 4, size[1], size[0])}


squares = st.tuples(st.integers(0, WIDTH - 48), st.integers(0, HEIGHT - 48), st.integers(12, 48))


@given(st.lists(st.lists(squares, max_size=3), min_size=1, max_size=8))
def test_nothing_is_missed_that_a_look_at_the_whole_would_find(days: list[list[tuple[int, int, int]]]) -> None:
    """However they come, go and overlap: where a white pixel is, there is a box, as after looks at whole pictures."""
    background = scene() // 2
    looker = Looker(Marks())
    for marks in days:
        picture = with_marks(background, *marks)
        found = looker.faces(picture)
        covered = np.zeros((HEIGHT, WIDTH), bool)
        for left, top, right, bottom in places(found):
            covered[top:bottom, left:right] = True
        assert covered[(picture == 255).all(axis=2)].all()


def test_by_the_control_a_part_alone_would_miss() -> None:
    """Without what was found before, who stands still is gone: the tests above would fail."""
    looker = Looker(Marks())
    looker.faces(with_marks(scene(), (40, 40, 24)))
    looker._boxes = looker._boxes[:0]
    assert places(looker.faces(with_marks(scene(), (40, 40, 24), (500, 200, 12)))) == {(500, 200, 512, 212)}


def boxes(*rows: tuple[float, ...]) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 5)


FACE = (96, 96, 136, 136, 0.9)


def test_a_picture_between_two_alike_is_spared_a_whole_look() -> None:
    look = Marks()
    assert spared(look, boxes(FACE), with_marks(scene(), (96, 96, 40)), boxes((100, 96, 140, 136, 0.9)))
    assert look.looked == [(HEIGHT // 2, WIDTH // 2)]


@pytest.mark.parametrize(
    ("before", "marks", "after"),
    [
        # Somebody is there between the two alone, somebody came, somebody went, and somebody is another.
        ([FACE], [(96, 96, 40), (400, 200, 24)], [FACE]),
        ([], [(400, 200, 24)], []),
        ([], [(96, 96, 40)], [FACE]),
        ([FACE], [(96, 96, 40)], []),
        ([FACE], [(96, 96, 40)], [(300, 96, 340, 136, 0.9)]),
        ([FACE, (300, 96, 340, 136, 0.9)], [(96, 96, 40)], [FACE, (97, 96, 137, 136, 0.9)]),
    ],
)
def test_a_picture_that_may_show_another_face_is_not_spared(
    before: list[tuple[float, ...]], marks: list[tuple[int, int, int]], after: list[tuple[float, ...]]
) -> None:
    assert not spared(Marks(), boxes(*before), with_marks(scene(), *marks), boxes(*after))
