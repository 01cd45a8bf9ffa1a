"""Damage done to a file at random: bytes flipped, cut, inserted, replaced or doubled, often near an end."""

from hypothesis import strategies as st

NUMBERS = [0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
PLACES = st.tuples(st.sampled_from([300, 3000, 1 << 20]), st.integers(0, 1 << 20), st.booleans())
STEPS = st.one_of(
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("cut"), PLACES, st.sampled_from([1, 4, 100, 1 << 20])),
    st.tuples(st.just("insert"), PLACES, st.binary(max_size=20)),
    st.tuples(st.just("replace"), PLACES, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("replace"), PLACES, st.sampled_from([number.to_bytes(8, "little") for number in NUMBERS])),
    st.tuples(st.just("replace"), PLACES, st.sampled_from([number.to_bytes(8, "big") for number in NUMBERS])),
    st.tuples(st.just("double"), PLACES, st.sampled_from([1, 30, 3000])),
)
DAMAGE = st.lists(STEPS, min_size=1, max_size=4)


def damaged(content, steps):
    """The bytes after a few steps of `DAMAGE`; headers lie near an end, so that is where many of them go."""
    content = bytearray(content)
    for kind, (far, position, from_end), what in steps:
        position %= max(min(len(content), far), 1)
        position = max(len(content) - 1 - position, 0) if from_end else position
        if kind == "flip":
            content[position : position + 1] = bytes(byte ^ 1 << what for byte in content[position : position + 1])
        elif kind == "cut":
            del content[position : position + what]
        elif kind == "insert":
            content[position:position] = what
        elif kind == "replace":
            content[position : position + len(what)] = what
        else:
            content[position:position] = content[position : position + what]
    return bytes(content)
