"""Conditions: every tree that can be written is read back, and every mistake names its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.rules.expression import Apply, Compare, IsOn, Join, Not, Number, Ref, Value
from device_agent.rules.parsing import DEEPEST, parse_condition
from device_agent.rules.tokens import LONGEST, MistakeError
from tests.device_agent.rules.strategies import conditions


def written(tree):
    """The tree as somebody might write it, with more parentheses than it needs."""
    match tree:
        case Number(number):
            return repr(number)
        case Value(ref) | IsOn(ref):
            return f"`{ref}`"
        case Apply("negative", (one,)):
            return f"(-{written(one)})"
        case Apply(name, arguments) if name.isalpha():
            return f"{name}({', '.join(written(one) for one in arguments)})"
        case Apply(symbol, (left, right)) | Compare(symbol, left, right) | Join(symbol, left, right):
            return f"({written(left)} {symbol} {written(right)})"
        case Not(inner):
            return f"(not {written(inner)})"


def mistake_in(text):
    try:
        parse_condition(text)
    except MistakeError as exc:
        return exc
    return None


@given(conditions)
def test_a_written_tree_is_read_back(tree):
    text = written(tree)
    if len(text) <= LONGEST:
        assert parse_condition(text) == tree


@given(st.text(alphabet="ab1.<>=!&|()+-*/`, é\n", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_condition_or_a_mistake_with_its_place(text):
    mistake = mistake_in(text)
    assert mistake is None or (0 <= mistake.at <= len(text) and mistake.what and mistake.remedy)


def test_and_binds_closer_than_or_and_not_closer_than_both():
    a, b, c = (IsOn(Ref("s", name)) for name in "abc")
    assert parse_condition("s.a or s.b and not s.c") == Join("or", a, Join("and", b, Not(c)))
    assert parse_condition("not s.a > 1 + 2 * 3") == Not(
        Compare(">", Value(Ref("s", "a")), Apply("+", (Number(1), Apply("*", (Number(2), Number(3))))))
    )


def test_a_dash_between_letters_belongs_to_the_name():
    assert parse_condition("pump-1.is-on") == IsOn(Ref("pump-1", "is-on"))
    tree = parse_condition("a.x - b.y > 0.5")
    assert list(tree.refs()) == [Ref("a", "x"), Ref("b", "y")]


@pytest.mark.parametrize(
    ("text", "column", "what", "remedy"),
    [
        ("", 1, "the end where a number or channel is needed", "write sensor.channel"),
        ("a.x >", 6, "the end where", "write"),
        ("a.x = 3", 5, "`=` means nothing here", "write =="),
        ("a.x > 3 && b.y", 9, "`&` means nothing here", "write `and`"),
        ("cpu > 3", 1, "`cpu` names no channel", "sensor.channel"),
        ("a.x > 3 and 5", 13, "a number where a condition is needed", "compare it"),
        ("a.x + 3", 1, "a number where a condition is needed", "compare it"),
        ("(a.x > 3) + 1 > 2", 1, "a condition where a number is needed", "join conditions"),
        ("1 < a.x < 3", 9, "a second `<`", "join with `and`"),
        ("a.x > 3 b.y", 9, "`b.y` is not expected here", "put `and`"),
        ("(a.x > 3", 9, "`)` is missing before the end", "close"),
        ("a.x > 1e999", 7, "1e999 is too large", "below"),
        ("min(a.x) > 1", 1, "`min` of 1", "2 to 16"),
        ("a.x > and", 7, "`and` where a number", "write"),
        ("`a` > 1", 1, "`a` names no channel", "sensor.channel"),
        ("a.x > `b.y", 7, "means nothing here", "use numbers"),
        ("__import__('os')", 12, "`'` means nothing here", "use numbers"),
        ("exit() > 1", 1, "`exit` names no channel", "sensor.channel"),
    ],
)
def test_a_mistake_names_column_and_remedy(text, column, what, remedy):
    mistake = mistake_in(text)
    assert mistake is not None
    assert (mistake.at + 1, True, True) == (column, what in mistake.what, remedy in mistake.remedy), vars(mistake)


def test_depth_and_length_are_bounded():
    with pytest.raises(MistakeError, match="levels deep"):
        parse_condition("(" * (DEEPEST + 1) + "a.x" + ")" * (DEEPEST + 1))
    with pytest.raises(MistakeError, match="levels deep"):
        parse_condition("not " * 200 + "a.x")
    with pytest.raises(MistakeError, match="longer than"):
        parse_condition("a.x > 1 or " * 200 + "a.x")
