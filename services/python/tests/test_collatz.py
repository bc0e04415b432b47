import pytest

from fitmap.collatz import Walks


@pytest.mark.parametrize(
    ("starts", "walks"),
    [
        (range(1, 2), Walks(1, 0, 0)),
        (range(27, 28), Walks(27, 111, 111)),
        # 12 and 13 both take 9 steps: the smaller start is the longest.
        (range(12, 14), Walks(12, 9, 18)),
        (range(1000, 1500), Walks(1161, 181, 36230)),
        (range(837799, 837800), Walks(837799, 524, 524)),
    ],
)
def test_known_walks(starts: range, walks: Walks) -> None:
    walked = Walks()
    walked.walk(starts)
    assert walked == walks


def test_turns_add_up() -> None:
    at_once, in_turns = Walks(), Walks()
    at_once.walk(range(1, 100))
    in_turns.walk(range(1, 10))
    in_turns.walk(range(10, 100))
    assert in_turns == at_once
