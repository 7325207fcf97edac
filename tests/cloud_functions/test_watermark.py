from hypothesis import given
from hypothesis import strategies as st

from cloud_functions.core.watermark import MAX_PENDING, Mark, advance, missing, missing_count, stored_count
from contract.envelope import Range

ranges = st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda span: (span[0], span[0] + span[1] - 1))


def as_set(spans: list[tuple[int, int]]) -> set[int]:
    return {seq for first, last in spans for seq in range(first, last + 1)}


@given(st.lists(ranges, max_size=30))
def test_a_mark_holds_exactly_what_was_stored(spans: list[tuple[int, int]]) -> None:
    mark = advance(Mark(), spans)
    stored = as_set(spans)
    held = as_set([(1, mark.through), *mark.pending])
    assert held == stored
    assert mark.through + 1 not in stored
    assert stored_count(mark) == len(stored)


@given(st.lists(ranges, max_size=30), st.randoms())
def test_order_batches_and_repetition_do_not_matter(spans: list[tuple[int, int]], random: object) -> None:
    shuffled = [*spans, *spans]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one_by_one = Mark()
    for span in shuffled:
        one_by_one = advance(one_by_one, [span])
    assert one_by_one == advance(Mark(), spans)


@given(st.lists(ranges, max_size=30))
def test_missing_is_every_hole_below_the_highest_and_nothing_else(spans: list[tuple[int, int]]) -> None:
    mark, stored = advance(Mark(), spans), as_set(spans)
    holes = as_set([(hole.first, hole.last) for hole in missing(mark)])
    assert holes == set(range(1, max(stored, default=0))) - stored
    assert missing_count(mark) == len(holes)


def test_declared_ranges_close_holes_like_stored_ones() -> None:
    mark = advance(Mark(), [(1, 3), (7, 9)])
    assert missing(mark) == [Range(first=4, last=6)]
    assert advance(mark, [(4, 6)]) == Mark(9)


def test_more_ranges_than_are_remembered_count_as_missing_again() -> None:
    spans = [(seq, seq) for seq in range(2, 2 + 4 * MAX_PENDING, 2)]
    mark = advance(Mark(), spans)
    assert len(mark.pending) == MAX_PENDING
    assert advance(mark, [(1, spans[-1][1])]).through == spans[-1][1]
