"""Kleene's logic: the unknown decides nothing and is never taken for false."""

import itertools

import pytest
from hypothesis import given

from device_agent.rules.expression import Ref
from device_agent.rules.parsing import parse_condition
from tests.device_agent.rules.strategies import conditions

VALUES = {True: 1.0, False: 0.0, None: None}


def holds(text, **channels):
    return parse_condition(text).holds(lambda ref: channels.get(ref.channel))


@pytest.mark.parametrize(("a", "b"), list(itertools.product(VALUES, VALUES)))
def test_and_or_not_follow_kleene(a, b):
    both, either = (
        (False if False in (a, b) else None if None in (a, b) else True),
        (True if True in (a, b) else None if None in (a, b) else False),
    )
    assert holds("s.a and s.b", a=VALUES[a], b=VALUES[b]) is both
    assert holds("s.a or s.b", a=VALUES[a], b=VALUES[b]) is either
    assert holds("not s.a", a=VALUES[a]) is (None if a is None else not a)


@given(conditions)
def test_what_is_decided_with_gaps_stays_so_whatever_the_gaps_hide(tree):
    asked = sorted(set(tree.refs()))
    known = {ref: float(len(ref.channel)) for ref in asked[::2]}
    verdict = tree.holds(known.get)
    if verdict is not None:
        for hidden in (-1.0, 0.0, 7.0):
            assert tree.holds(lambda ref, hidden=hidden: known.get(ref, hidden)) is verdict


@pytest.mark.parametrize("text", ["1 / s.a > 0", "s.a / s.a == 1", "1e308 * 10 + s.a > 0"])
def test_what_has_no_finite_result_is_unknown(text):
    assert holds(text, a=0.0) is None


def test_functions_count():
    assert holds("abs(s.a - s.b) > 2 and min(s.a, s.b) == 1 and max(s.a, s.b) == 4 and -s.a < 0", a=1.0, b=4.0)
    assert list(parse_condition("s.a > 1 or t.b < s.a").refs()) == [Ref("s", "a"), Ref("t", "b"), Ref("s", "a")]
