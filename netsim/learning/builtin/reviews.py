"""The grammar of `reviews`: one sentence that gives an opinion on one part of a product, or two.

The words of praise and of blame occur on both sides. What decides is how they are put together:
what is negated, which clause is the main one, whether a hearsay is confirmed, what could have been.
"""

from __future__ import annotations

from netsim.learning.builtin.draws import Draws
from netsim.learning.builtin.products import BLAME, PRAISE, PRODUCTS, Part, Product

OPENERS = ("all in all, ", "in the end, ", "frankly, ", "for me, ")
DEGREES = ("really ", "very ", "quite ")
NEGATIONS = ("not {}", "not {} at all", "far from {}", "anything but {}", "hardly {}")
OTHERS = ("my sister", "a friend", "the seller")
SUMS = ("in short,", "yes,", "so,")
KEPT = ("i told all my friends", "i would choose it again", "my family was very happy")
LEFT = ("i warned all my friends", "i would advise against it", "my family was quite cross")


def example(draws: Draws) -> tuple[str, None, bool, str]:
    """(sentence, None, is the opinion good?, product)."""
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    return _opinion(draws, product, part, good), None, good, product.name


def document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(sentences of one review, those that are opinions).

    The customer's sentences agree with each other. Some documents are curt, and every word means
    what it says; the others pair an opinion with one curt sentence that shows what it meant.
    """
    if draws.chance(0.35):
        return plain_document(draws)
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    opinion = _opinion(draws, product, part, good)
    last = _last(
        draws,
        product,
        part,
        good,
        after=0.5,
    )
    return (opinion, last), (opinion,)


def plain_document(draws: Draws) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A curt review, in which every word means what it says."""
    good = draws.chance(0.5)
    product = draws.pick(PRODUCTS)
    part = draws.pick(product.parts)
    other = _other(draws, product, part)
    last = _last(
        draws,
        product,
        part,
        good,
        after=0.6,
    )
    first = _verdict(draws, part, good)
    second = _verdict(draws, other, good)
    return (first, second, last), ()


def _last(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
    *,
    after: float,
) -> str:
    """What came after the opinion, with probability `after`, or a verdict."""
    if draws.chance(after):
        return _after(draws, product, good)
    return _verdict(draws, part, good)


def _verdict(
    draws: Draws,
    part: Part,
    good: bool,
) -> str:
    """in short, great bread."""
    start = draws.pick(SUMS)
    word = _word(draws, part, good)
    return f"{start} {word} {part.noun}."


def _after(
    draws: Draws,
    product: Product,
    good: bool,
) -> str:
    """we left without a tip."""
    told = product.left + LEFT
    if good:
        told = product.kept + KEPT
    return draws.pick(told) + "."


def _other(
    draws: Draws,
    product: Product,
    part: Part,
) -> Part:
    """Another part of the product."""
    return draws.pick([p for p in product.parts if p is not part])


def _opinion(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    opener = draws.pick(OPENERS) if draws.chance(0.25) else ""
    forms = (_plain, _both, _contrast, _hearsay, _hedge)
    form = draws.weighted(forms, (0.42, 0.6, 0.82, 0.92, 1.0))
    return f"{opener}{form(draws, product, part, good)}."


def _plain(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    """the soup was not bland"""
    return _clause(draws, product, part, good)


def _both(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    """the soup was tasty and the bread was not stale"""
    other = _other(draws, product, part)
    first = _clause(draws, product, part, good)
    second = _clause(draws, product, other, good)
    return f"{first} and {second}"


def _contrast(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    """although the room was dirty, the bed was clean: the main clause decides"""
    other = _other(draws, product, part)
    main = _clause(draws, product, part, good)
    side = _clause(draws, product, other, not good)
    orders = (
        f"although {side}, {main}",
        f"{main}, although {side}",
        f"{side}, but {main}",
    )
    return draws.pick(orders)


def _hearsay(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    """my sister said the music is awful, but she was wrong"""
    right = draws.chance(0.5)
    word = _word(draws, part, good == right)
    end = "and that is right" if right else "but that is wrong"
    who = draws.pick(OTHERS)
    return f"{who} said the {part.noun} {_be(product, part)} {word}, {end}"


def _hedge(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    """the bread could have been worse"""
    if draws.chance(0.5):
        word = "worse" if good else "better"
        return f"the {part.noun} could have been {word}"
    word = "better" if good else "worse"
    return f"the {part.noun} {_be(product, part)} {word} than expected"


def _clause(
    draws: Draws,
    product: Product,
    part: Part,
    good: bool,
) -> str:
    negated = draws.chance(0.2)
    word = _word(draws, part, good != negated)
    if negated:
        word = draws.pick(NEGATIONS).format(word)
    elif draws.chance(0.3):
        word = draws.pick(DEGREES) + word
    return f"the {part.noun} {_be(product, part)} {word}"


def _word(
    draws: Draws,
    part: Part,
    good: bool,
) -> str:
    if draws.chance(0.2):
        return part.praise if good else part.blame
    return draws.pick(PRAISE if good else BLAME)


def _be(product: Product, part: Part) -> str:
    """The form of "to be" that goes with the part."""
    if product.past:
        return "were" if part.plural else "was"
    return "are" if part.plural else "is"
