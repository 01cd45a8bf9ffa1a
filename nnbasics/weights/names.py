"""Names that a person typed, and the right one nearest to them."""

from difflib import get_close_matches


def nearest(name, known):
    """The end of a sentence about an unknown name: the nearest right one, or all of them."""
    close = get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
