"""What a gradient check found, told so that somebody at two in the morning knows where to look."""

import html
import textwrap
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from nnbasics.testing.causes import Guess
from nnbasics.testing.slopes import Slope

BANDS = [
    (1e-9, "the same to every digit that a difference can show"),
    (1e-6, "the same, for all that rounding lets one see"),
    (1e-4, "nearly the same: an epsilon, or fewer digits than float64"),
    (1e-2, "close, and wrong: a small term is missing"),
    (0.5, "wrong by a visible part"),
    (np.inf, "nothing in common"),
]
POINTS = {
    "x": "",
    "near": ", at a point near x",
    "signs": ", where x has both signs",
    "ties": ", where values of x are tied",
}


@dataclass
class Coordinate:
    """One comparison: a coordinate (or a direction, when `index` is None) at one point."""

    point: str
    index: int | None
    analytic: float
    slope: Slope
    status: str

    @property
    def relative_error(self):
        size = max(abs(self.analytic), abs(self.slope.value))
        return abs(self.analytic - self.slope.value) / size if size > 0 else 0.0


@dataclass
class ArrayResult:
    """All comparisons for one array: an input or a parameter."""

    name: str
    shape: tuple
    is_input: bool
    looked: list = field(default_factory=list)
    guess: Guess | None = None
    wrong_at: dict = field(default_factory=dict)

    def accepts(self, given):
        """Whether what backward gave can be compared at all: the right shape, made of numbers."""
        return given is not None and given.shape == self.shape and bool(np.isfinite(given).all())

    @property
    def wrong(self):
        return [c for c in self.looked if c.status == "wrong"]

    @property
    def counts(self):
        return Counter(c.status for c in self.looked)

    @property
    def verdict(self):
        """ "holds", "wrong", "noisy" or "kink" (nothing but kinks was found)."""
        if self.guess is not None or self.wrong:
            return "wrong"
        # Points near x are drawn at random: whoever is at a kink, or drowns in noise, at most of them proves nothing.
        deciding = Counter(c.status for c in self.looked if c.point == "near") or self.counts
        if 4 * deciding["noisy"] > deciding.total():
            return "noisy"
        return "holds" if deciding["holds"] > deciding["kink"] or 0 in self.shape else "kink"

    @property
    def worst(self):
        """The comparison to show: the largest error among single coordinates at x, or the best there is."""
        candidates = self.wrong or [c for c in self.looked if c.status == "holds"]
        order = [
            [c for c in candidates if c.point == "x" and c.index is not None],
            [c for c in candidates if c.index is not None],
        ]
        best = next((group for group in order if group), candidates)
        if not best:
            return None
        key = (lambda c: abs(c.analytic - c.slope.value)) if self.wrong else (lambda c: c.relative_error)
        return max(best, key=key)

    def place(self, index):
        """An index in brackets, as one would write it after the array's name."""
        if index is None:
            return "along a random direction"
        return str(list(map(int, np.unravel_index(index, self.shape)))) if self.shape else "(a single number)"


class GradientReport:
    """What `check_gradients` found; true when every gradient holds.

    Attributes
    ----------
    results : dict of str to ArrayResult
        By the name of the input or parameter.
    findings : list of Guess
        What was wrong besides the numbers: an array written to, a stale cache, lost digits.
    unlisted : list of str
        Arrays that the layer has, but not in `params`: nothing is said about them.
    guess : Guess or None
        The likeliest cause; its `family` is a key of `causes.FAMILIES`.
    """

    def __init__(self, title, tolerance):
        self.title = title
        self.tolerance = tolerance
        self.results = {}
        self.findings = []
        self.unlisted = []
        self.is_loss = False

    def __bool__(self):
        return not self.findings and bool(self.results) and all(r.verdict == "holds" for r in self.results.values())

    @property
    def guess(self):
        guesses = self.findings + [r.guess for r in self.results.values() if r.guess is not None]
        return min(guesses, key=lambda guess: guess.family == "unknown", default=None)

    @property
    def kinks(self):
        """How many comparisons were set aside because they lie at a kink."""
        return sum(result.counts["kink"] for result in self.results.values())

    @property
    def verdict(self):
        """One sentence."""
        if self:
            return f"The gradient of {self.title} holds."
        wrong = [name for name, r in self.results.items() if r.verdict == "wrong"]
        if wrong:
            return f"The gradient of {self.title} is WRONG: {', '.join(wrong)}."
        if self.findings:
            return f"{self.title} is WRONG: {self.findings[0].title}."
        return f"The gradient of {self.title} could NOT BE CHECKED."

    def __repr__(self):
        return str(self)

    def __str__(self):
        lines = [self.verdict]
        for number, result in enumerate(self.results.values()):
            lines += ["", *_lines(result)] if number == 0 else _lines(result)
        for finding in self.findings:
            lines += _told(finding, "Besides" if self.results else "Found")
        guess = self.guess
        if guess is not None and guess not in self.findings:
            lines += _told(guess, "Guess")
            others = {r.guess.title: r.name for r in self.results.values() if r.guess and r.guess.title != guess.title}
            lines += [f"  (for {name}: {title})" for title, name in others.items()]
        lines += ["", *_wrapped(self._looked_at(), "")]
        return "\n".join(lines)

    def _looked_at(self):
        total = Counter()
        for result in self.results.values():
            total += result.counts
        if not total:
            return "No slope was measured."
        dy = "" if self.is_loss else ", with a random dy"
        text = f"Measured: {sum(total.values())} slopes by centred differences in float64{dy}."
        if total["kink"]:
            text += (
                f" {total['kink']} of them lie at a kink, where the slope on the left is not that on the right: they "
                "say nothing for or against, and nearby points were taken for them."
            )
        if self.unlisted:
            text += (
                f" Not looked at: {', '.join(self.unlisted)}. To have parameters checked, put them as arrays into a "
                "dict self.params, and their gradients into self.grads under the same keys; or let self.dW be the "
                "gradient of self.W."
            )
        if total["noisy"]:
            text += (
                f" {total['noisy']} of them drown in noise: something inside computes in less than float64, or draws "
                "random numbers."
            )
        return text

    def _repr_html_(self):
        good = bool(self)
        rows = "".join(_row(result) for result in self.results.values())
        told = "".join(
            f"<p><b>{html.escape(guess.title)}</b>: {html.escape(guess.seen)}<br>"
            f"<i>Try:</i> {html.escape(guess.hint)}</p>"
            for guess in dict.fromkeys([*self.findings, *([self.guess] if self.guess else [])])
        )
        maps = "".join(_map(result) for result in self.results.values() if result.verdict == "wrong")
        return (
            f'<div style="border-left: 4px solid {_COLOURS["holds" if good else "wrong"]}; padding-left: 1em">'
            f"<p><b>{html.escape(self.verdict)}</b></p>"
            "<table><tr><th>array</th><th>shape</th><th>verdict</th><th>worst at</th><th>your backward</th>"
            f"<th>the slope</th><th>relative error</th></tr>{rows}</table>{told}{maps}"
            f"<p><small>{html.escape(self._looked_at())}</small></p></div>"
        )


_COLOURS = {"holds": "#2a7f3f", "wrong": "#c0392b", "noisy": "#b9770e", "kink": "#7f8c8d"}
_WORDS = {
    "holds": "holds",
    "wrong": "WRONG",
    "noisy": "cannot be told: too noisy",
    "kink": "cannot be told: nothing but kinks",
}


def band(relative_error):
    """A relative error in words."""
    return next(words for limit, words in BANDS if relative_error <= limit)


def _lines(result):
    head = f"  {result.name} {result.shape}: {_WORDS[result.verdict]}"
    worst = result.worst
    if worst is None:
        return [head]
    if result.verdict == "holds":
        at = result.place(worst.index)
        return [f"{head}; largest relative error {worst.relative_error:.0e}, at {at}{POINTS[worst.point]}"]
    where = f"{result.place(worst.index)}{POINTS[worst.point]}"
    lines = [
        f"{head} in {result.counts[result.verdict]} of {len(result.looked)} comparisons; worst {where}",
        f"      your backward  {worst.analytic: .8g}",
        f"      the slope      {worst.slope.value: .8g}",
        f"      relative error  {worst.relative_error:.1e}: {band(worst.relative_error)}",
    ]
    return lines + _sketch(result)


def _sketch(result):
    """The last two axes of the slice with most errors, a character a place: X wrong, . right, blank not looked at."""
    grid = _grid(result)
    if grid is None:
        return []
    title, cells = grid
    rows = ["      " + " ".join({None: " ", True: "X", False: "."}[bad] for bad in row).rstrip() for row in cells]
    return [f"      where ({title}; X wrong, . right):", *rows]


def _grid(result):
    """(title, rows of True, False or None) for the slice with most errors; None when a picture would say nothing."""
    if len(result.shape) < 2 or max(result.shape[-2:]) > 24 or len(set(result.wrong_at.values())) < 2:
        return None
    fronts = Counter(place[:-2] for place, bad in result.wrong_at.items() if bad)
    front = fronts.most_common(1)[0][0]
    height, width = result.shape[-2:]
    cells = [[result.wrong_at.get((*front, i, j)) for j in range(width)] for i in range(height)]
    title = f"d{result.name}[{', '.join(map(str, [*front, ':', ':']))}]"
    return title, cells


def _told(guess, word):
    return ["", *_wrapped(f"{word}: {guess.title}. {_capital(guess.seen)}", ""), *_wrapped(f"Try: {guess.hint}", "  ")]


def _capital(sentence):
    return sentence[:1].upper() + sentence[1:]


def _wrapped(text, indent):
    return textwrap.wrap(text, 100, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False)


def _row(result):
    worst = result.worst
    cells = [f"<code>{html.escape(result.name)}</code>", str(result.shape)]
    cells.append(f'<b style="color: {_COLOURS[result.verdict]}">{html.escape(_WORDS[result.verdict])}</b>')
    if worst is None:
        cells += [""] * 4
    else:
        error = f"{worst.relative_error:.1e}<br><small>{html.escape(band(worst.relative_error))}</small>"
        where = html.escape(result.place(worst.index) + POINTS[worst.point])
        cells += [where, f"{worst.analytic:.8g}", f"{worst.slope.value:.8g}", error]
    return "<tr>" + "".join(f'<td style="text-align: left">{cell}</td>' for cell in cells) + "</tr>"


def _map(result):
    grid = _grid(result)
    if grid is None:
        return ""
    title, cells = grid
    colour = {None: "transparent", True: _COLOURS["wrong"], False: _COLOURS["holds"]}
    box = '<td style="width: 1.1em; height: 1.1em; padding: 0; border: 1px solid #fff; background: {}"></td>'
    rows = "".join("<tr>" + "".join(box.format(colour[bad]) for bad in row) + "</tr>" for row in cells)
    return f"<p><code>{html.escape(title)}</code>, red where it is wrong:</p><table>{rows}</table>"
