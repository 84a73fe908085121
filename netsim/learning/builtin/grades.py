"""The grammar of `grades`: a review with two opinions, graded from 0 (awful) to 5 (great).

It is harder than `reviews`. The grade depends on both opinions, on which of them is the main one,
and on how strongly the main one is put. A few words praise in some products and blame in others: a
predictable motor is good, a predictable plot is not. Reviewers differ: some grades are one step off
what the text says. Grades are unevenly frequent.
"""

from __future__ import annotations

from netsim.learning.builtin.draws import Draws
from netsim.learning.builtin.products import BLAME, PRAISE, PRODUCTS, Part, Product

GRADES = ("awful", "bad", "rather_bad", "rather_good", "good", "great")
WRITTEN = (4, 1, 3, 2, 5, 0)  # grades by how often they are written
CUMULATIVE = (0.30, 0.52, 0.69, 0.83, 0.93, 1.0)
ONE_OFF = 0.06  # probability that a grade is one step higher than what is written, or lower

STRONG = ("really {}", "very {}")
MILD = ("{}", "quite {}")
STRONGLY_NEGATED = ("not {} at all", "anything but {}")
MILDLY_NEGATED = ("not {}", "hardly {}")

# Words that mean the opposite in other products: good in these, bad in the rest.
TURNING = {
    "predictable": ("phone", "blender", "hotel"),
    "surprising": ("film", "novel", "restaurant"),
    "warm": ("film", "novel", "hotel"),
    "sharp": ("phone", "blender", "film"),
}


def example(draws: Draws) -> tuple[str, None, int, str]:
    """(sentence, None, grade, product)."""
    written = draws.weighted(WRITTEN, CUMULATIVE)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    other = draws.pick([p for p in product.parts if p is not part])
    good = written >= 3
    mixed = written in (2, 3)
    main = _clause(draws, product, part, good=good, strong=_is_strong(draws, written))
    side = _clause(draws, product, other, good=good != mixed, strong=draws.chance(0.5))
    text = _joined(draws, main, side, mixed=mixed)
    return text, None, _graded(draws, written), product.name


def _is_strong(draws: Draws, written: int) -> bool:
    """Is the main opinion strong? It is in the best and the worst grade, not in those beside."""
    if written in (0, 5):
        return True
    if written in (1, 4):
        return False
    return draws.chance(0.5)


def _joined(
    draws: Draws,
    main: str,
    side: str,
    *,
    mixed: bool,
) -> str:
    """Both opinions in one sentence that shows which is the main one."""
    if not mixed:
        return draws.pick((f"{side}, and above all {main}.", f"above all {main}, and {side}."))
    orders = (
        f"although {side}, {main}.",
        f"{main}, although {side}.",
        f"{side}, but {main}.",
    )
    return draws.pick(orders)


def _clause(
    draws: Draws,
    product: Product,
    part: Part,
    *,
    good: bool,
    strong: bool,
) -> str:
    """the bread was not stale at all"""
    negated = draws.chance(0.4)
    word = _word(draws, product, part, good=good != negated)
    if negated:
        forms = STRONGLY_NEGATED if strong else MILDLY_NEGATED
    else:
        forms = STRONG if strong else MILD
    put = draws.pick(forms).format(word)
    return f"the {part.noun} {_be(product, part)} {put}"


def _word(
    draws: Draws,
    product: Product,
    part: Part,
    *,
    good: bool,
) -> str:
    """A word of praise or blame: one that always is, the part's own, or one that turns."""
    kind = draws.weighted(("plain", "own", "turning"), (0.4, 0.55, 1.0))
    if kind == "own":
        return part.praise if good else part.blame
    if kind == "turning":
        fitting = [word for word, products in TURNING.items() if (product.name in products) == good]
        return draws.pick(fitting)
    return draws.pick(PRAISE if good else BLAME)


def _be(product: Product, part: Part) -> str:
    if product.past:
        return "were" if part.plural else "was"
    return "are" if part.plural else "is"


def _graded(draws: Draws, written: int) -> int:
    """The grade that the reviewer gives."""
    step = draws.weighted((-1, 1, 0), (ONE_OFF, 2 * ONE_OFF, 1.0))
    return min(max(written + step, 0), len(GRADES) - 1)
