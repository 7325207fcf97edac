"""Any condition there can be, as a tree."""

import string

from hypothesis import strategies as st

from device_agent.rules.expression import COMPARISONS, Apply, Compare, IsOn, Join, Not, Number, Ref, Value

names = st.text(string.ascii_letters + string.digits + "_- .%/é", min_size=1, max_size=8)
refs = st.builds(Ref, names.map(lambda name: name.replace(".", "_")), names)
leaves = st.builds(Number, st.floats(min_value=0, max_value=1e12)) | st.builds(Value, refs)


def applied(inner):
    pairs = st.tuples(inner, inner)
    return st.builds(Apply, st.sampled_from(["+", "-", "*", "/", "min", "max"]), pairs) | st.builds(
        Apply, st.sampled_from(["negative", "abs"]), st.tuples(inner)
    )


numbers = st.recursive(leaves, applied, max_leaves=4)
conditions = st.recursive(
    st.builds(Compare, st.sampled_from(sorted(COMPARISONS)), numbers, numbers) | st.builds(IsOn, refs),
    lambda inner: st.builds(Not, inner) | st.builds(Join, st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=5,
)
