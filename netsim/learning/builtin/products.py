"""What the reviews talk about: products, their parts, and words that praise or blame a part."""

from __future__ import annotations

from dataclasses import dataclass

PRAISE = ("good", "great", "excellent", "wonderful", "lovely", "superb")
BLAME = ("bad", "poor", "awful", "terrible", "horrible", "dreadful")


@dataclass(frozen=True)
class Part:
    """One thing to have an opinion about."""

    noun: str
    praise: str
    blame: str
    plural: bool = False


@dataclass(frozen=True)
class Product:
    """A kind of product, and what people do after they liked it or not."""

    name: str
    past: bool  # one speaks of a meal in the past, of a phone in the present
    parts: tuple[Part, ...]
    kept: tuple[str, ...]  # follows a good opinion
    left: tuple[str, ...]  # follows a bad one; all are five words long, so the length does not tell


PHONE = Product(
    name="phone",
    past=False,
    parts=(
        Part("battery", "strong", "weak"),
        Part("screen", "bright", "dim"),
        Part("camera", "sharp", "blurry"),
        Part(
            "speakers",
            "clear",
            "muffled",
            plural=True,
        ),
    ),
    kept=("it goes everywhere with me", "i bought one for mother"),
    left=("i sent it straight back", "it now gathers thick dust"),
)
BLENDER = Product(
    name="blender",
    past=False,
    parts=(
        Part("blade", "sharp", "dull"),
        Part("motor", "strong", "weak"),
        Part("lid", "solid", "flimsy"),
        Part(
            "buttons",
            "solid",
            "stiff",
            plural=True,
        ),
    ),
    kept=("i use it every day", "i bought one for mother"),
    left=("i sent it straight back", "i gave it to charity"),
)
FILM = Product(
    name="film",
    past=True,
    parts=(
        Part("plot", "clever", "predictable"),
        Part("acting", "warm", "wooden"),
        Part("ending", "surprising", "predictable"),
        Part(
            "jokes",
            "fresh",
            "stale",
            plural=True,
        ),
    ),
    kept=("we saw it once more", "we stayed to the end"),
    left=("we left before the end", "i fell asleep before midnight"),
)
NOVEL = Product(
    name="novel",
    past=True,
    parts=(
        Part("story", "clever", "dull"),
        Part(
            "characters",
            "warm",
            "wooden",
            plural=True,
        ),
        Part("style", "clear", "clumsy"),
        Part("dialogue", "fresh", "wooden"),
    ),
    kept=("i read it twice over", "i gave friends a copy"),
    left=("i stopped after ten pages", "i gave it to charity"),
)
RESTAURANT = Product(
    name="restaurant",
    past=True,
    parts=(
        Part("soup", "tasty", "bland"),
        Part("service", "friendly", "rude"),
        Part("bread", "fresh", "stale"),
        Part(
            "waiters",
            "friendly",
            "rude",
            plural=True,
        ),
    ),
    kept=("we ordered even more food", "we left a big tip"),
    left=("we left before the dessert", "we left without a tip"),
)
HOTEL = Product(
    name="hotel",
    past=True,
    parts=(
        Part("room", "clean", "dirty"),
        Part("bed", "clean", "broken"),
        Part("staff", "friendly", "rude"),
        Part("breakfast", "tasty", "stale"),
    ),
    kept=("we stayed for another night", "we will be back soon"),
    left=("we left a day early", "we will never go back"),
)
PRODUCTS = (PHONE, BLENDER, FILM, NOVEL, RESTAURANT, HOTEL)
