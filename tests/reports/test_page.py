"""The report in a real browser: it draws, it answers, it asks the network for nothing, and names
stay text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from browsing import wait_for
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from netsim.reports.html import write_report
from netsim.results.reader import Run, open_run


class Page:
    """A report open in the browser.

    as_left: as an earlier test left it, if it is still open. To load Plotly and draw anew takes
    seconds; for tests that do not mind what was chosen before.
    """

    def __init__(self, browser: webdriver.Chrome, path: Path, as_left: bool = False) -> None:
        self.browser = browser
        browser.get_log("browser")
        address = path.resolve().as_uri()
        if not as_left or browser.current_url != address:
            browser.get(address)
        built = "return !!document.getElementById('foot')?.textContent"
        wait_for(browser, lambda b: b.execute_script(built), limit_s=60)

    def find(self, selector: str) -> WebElement:
        """The element, in the middle of the window, its figures drawn."""
        element = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element
        )
        return element

    def figure(self, name: str) -> WebElement:
        """A figure, once it is drawn."""
        box = self.find(f"#{name}")
        wait_for(self.browser, lambda _: box.find_elements(By.CSS_SELECTOR, ".main-svg"))
        return box

    def names(self) -> list[str]:
        """Of all figures of the page, drawn or not."""
        places = self.browser.find_elements(By.CSS_SELECTOR, ".plot")
        return [place.get_attribute("id") or "" for place in places]

    def figures(self) -> list[str]:
        """All figures of the page, drawn."""
        names = self.names()
        for name in names:
            self.figure(name)
        return names

    def hover(self, mark: WebElement) -> str:
        """What the page says when the mouse is over a mark."""
        ActionChains(self.browser).move_to_element(mark).perform()
        label = ".plot:hover .hoverlayer .hovertext"
        wait_for(self.browser, lambda b: b.find_elements(By.CSS_SELECTOR, label), limit_s=20)
        lines = self.browser.find_elements(
            By.CSS_SELECTOR, f"{label} text.nums .line, {label} text.nums"
        )
        return " | ".join(line.text for line in lines if line.text)

    def script(self, text: str, *arguments: object) -> object:
        """What JavaScript returns."""
        return self.browser.execute_script(text, *arguments)

    def complaints(self) -> list[str]:
        """Everything on the console, and every request."""
        logged = [str(entry["message"]) for entry in self.browser.get_log("browser")]
        asked = self.script("return performance.getEntriesByType('resource').map(e => e.name)")
        return [*logged, *asked]  # type: ignore[misc]


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory,
    learned: Path,
    network_run: Callable[..., Run],
    moving: Run,
    command_line: Callable[..., str],
) -> dict[str, Path]:
    """The quickstart (learning), three schemes compared, and SUMO's vehicles replayed, with hostile
    names.
    """
    folder = tmp_path_factory.mktemp("pages")
    schemes = [
        network_run(scheme__kind=kind) for kind in ("round_robin", "fedlora", "model_switching")
    ]
    wanted = {"quickstart": [open_run(learned)], "compared": schemes}
    made = {name: write_report(runs, folder / f"{name}.html") for name, runs in wanted.items()}
    command_line(folder, "report", moving.path, "--out", folder / "moving.html")
    return {**made, "moving": folder / "moving.html"}


@pytest.fixture
def opened(browser: webdriver.Chrome, pages: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    last: list[Page] = []

    def make(name: str, *, as_left: bool = False) -> Page:
        last.append(Page(browser, pages[name], as_left))
        return last[-1]

    yield make
    assert [page.complaints() for page in last] == [[]] * len(last)


def draw_everything(page: Page, name: str) -> None:
    """All figures, and what their buttons make of them."""
    drawn = page.figures()
    assert {
        "timeline-plot",
        "latency-plot",
        "energy-plot",
        "map-plot",
        "subscriptions-plot",
    } <= set(drawn)
    assert ("learning-plot" in drawn) == (name == "quickstart")
    assert ("comparison-plot" in drawn) == (name == "compared")
    assert ("handovers-plot" in drawn) == (name == "moving")
    for control in page.browser.find_elements(By.CSS_SELECTOR, ".choice button"):
        page.script("arguments[0].click()", control)
    page.figures()


def test_every_figure_of_one_run_is_drawn(opened: Callable[..., Page]) -> None:
    draw_everything(opened("quickstart"), "quickstart")


def test_modules_are_named_by_rank(opened: Callable[..., Page]) -> None:
    page = opened("quickstart", as_left=True)
    page.figure("learning-plot")
    names = page.script("return document.getElementById('learning-plot').data.map(t => t.name)")
    assert names[0] == "ensemble"  # type: ignore[index]
    assert all(re.search(r"^module \d+ \(rank \d+\)$", name) for name in names[1:])  # type: ignore[index]


def test_hovering_a_span_shows_its_numbers(opened: Callable[..., Page], learned: Path) -> None:
    page = opened("quickstart", as_left=True)
    page.figure("timeline-plot")
    arrived: Any = page.script("""
        const width = bar => bar.getBoundingClientRect().width
        const bars = [...document.querySelectorAll('#timeline-plot .barlayer .trace .point path')]
        return bars.reduce((widest, bar) => width(bar) > width(widest) ? bar : widest)""")
    said = page.hover(arrived)
    found = re.search(r"UE (\d+) at gNB (\d+).*?([\d.]+) to ([\d.]+) s", said)
    assert found, said
    spans = open_run(learned).timeline(1).filter(pl.col("ue") == int(found[1]))
    assert any(
        abs(start - float(found[3])) < 2e-3 and abs(end - float(found[4])) < 2e-3
        for start, end in spans.select("from_s", "to_s").iter_rows()
    ), said


def test_switching_rounds_draws_another(opened: Callable[..., Page], learned: Path) -> None:
    page = opened("quickstart", as_left=True)

    def ends() -> list[float]:
        return page.script(  # type: ignore[return-value]
            "return document.getElementById('timeline-plot').data.flatMap(t => t.x.map((x, i) => t.base[i] + x))"
        )

    seen = {}
    page.figure("timeline-plot")
    for number in (1, 2, 3):
        assert page.find("#timeline output").text.startswith(f"round {number}, ")
        rows = open_run(learned).timeline(number).filter(pl.col("kind") != "evaluate")
        assert sorted(ends()) == pytest.approx(sorted(rows["to_s"].to_list()), abs=2e-4)
        seen[number] = sorted(ends())
        if number < 3:
            page.find("#round-next").click()
    assert seen[1] != seen[2] != seen[3]
    assert not page.find("#round-next").is_enabled()
    page.find("#round-slider").send_keys(Keys.HOME)
    assert sorted(ends()) == seen[1]


def test_every_figure_can_be_saved_as_svg(opened: Callable[..., Page]) -> None:
    page = opened("quickstart", as_left=True)
    figures = page.figures()
    assert len(page.browser.find_elements(By.CSS_SELECTOR, ".plot + .save")) == len(figures) > 5
    page.script(
        "window.saved = []; Plotly.downloadImage = (box, how) => saved.push(box.id, how.format)"
    )
    page.find("#energy .save").click()
    assert page.script("return saved") == ["energy-plot", "svg"]


def test_the_policy_stops_a_script_that_is_not_ours(opened: Callable[..., Page]) -> None:
    page = opened("quickstart", as_left=True)
    page.script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 9'; document.body.append(s)"
    )
    assert page.script("return window.hacked") is None
    assert "Content Security Policy" in page.complaints()[0]


def test_light_dark_and_what_the_system_prefers(
    opened: Callable[..., Page], browser: webdriver.Chrome
) -> None:
    prefer = lambda scheme: browser.execute_cdp_cmd(  # noqa: E731
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    try:
        prefer("dark")
        page = opened("quickstart")
        page.figure("learning-plot")
        paper = "return getComputedStyle(document.body).backgroundColor"
        ink = "return getComputedStyle(document.querySelector('#learning-plot .xtick text')).fill"
        night = page.script(paper), page.script(ink)
        page.find("#theme").click()
        day = page.script(paper), page.script(ink)
        assert night != day
        prefer("light")
        assert (page.script(paper), page.script(ink)) == day
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_every_figure_of_a_comparison_is_drawn(opened: Callable[..., Page]) -> None:
    draw_everything(opened("compared"), "compared")


def test_runs_are_chosen_and_compared(
    opened: Callable[..., Page], network_run: Callable[..., Run]
) -> None:
    page = opened("compared", as_left=True)
    names = ["round_robin", "fedlora", "model_switching"]
    assert page.find("#title").text == " · ".join(names)
    page.figure("comparison-plot")
    assert (
        page.script("return document.getElementById('comparison-plot').data.map(t => t.name)")
        == names[1:]
    )
    select = Select(page.find("#run"))
    assert [option.text for option in select.options] == names
    for name in names:
        Select(page.find("#run")).select_by_visible_text(name)
        uploads = network_run(scheme__kind=name).uploads.collect()
        assert page.find("#lead").text.startswith(f"Showing {name}: 12 UEs")
        assert f"of {len(uploads)}" in page.find("#cards").text
        if name != names[0]:  # which is drawn above
            page.figures()
    page.find("#comparison summary").click()
    cells = [
        row.text for row in page.browser.find_elements(By.CSS_SELECTOR, "#comparison tbody tr")
    ]
    assert any(row.startswith("uploads on time, per round fedlora") for row in cells)


def test_a_card_shows_its_run_below(opened: Callable[..., Page]) -> None:
    page = opened("compared", as_left=True)
    page.find('.each button[data-run="1"]').click()
    assert page.find("#lead").text.startswith("Showing fedlora: ")
    assert Select(page.find("#run")).first_selected_option.text == "fedlora"
    pressed = page.browser.find_elements(By.CSS_SELECTOR, '.each button[aria-pressed="true"]')
    assert [card.get_attribute("data-run") for card in pressed] == ["1"]


def test_hostile_names_are_text(opened: Callable[..., Page], hostile: list[str]) -> None:
    page = opened("moving")
    draw_everything(page, "moving")
    body = page.find("body").text
    assert hostile[1] in page.find("#title").text
    assert hostile[0] in body
    assert hostile[1] in page.find("#scenario pre").text
    assert (
        hostile[3][:10]
        in page.find("#timeline-plot .ytick:nth-child(n)").find_element(By.XPATH, "..").text
    )
    marks = page.figure("map-plot").find_elements(By.CSS_SELECTOR, ".points path")
    assert "UE " in page.hover(marks[0])  # sites are drawn above the UEs, so last
    assert page.script("return window.hacked") is None
    assert (
        page.script(
            "return document.querySelectorAll('img, iframe, [onerror], .plot a[href]').length"
        )
        == 0
    )
    assert page.script("return document.scripts.length") == 3
    assert page.script("return document.querySelectorAll('.plot b, .plot i').length") == 0


def test_slider_moves_the_ues(opened: Callable[..., Page], moving: Run) -> None:
    page = opened("moving", as_left=True)
    page.figure("map-plot")
    slider = page.find("#map-slider")

    def drawn() -> dict[str, tuple[float, float]]:
        """Positions of the marks on the screen's own axes, by the UE they name."""
        points = page.script("""return document.getElementById('map-plot').data.filter(t => t.text && t.name !== 'gNB')
            .flatMap(t => t.text.map((s, i) => [s, t.x[i], t.y[i]]))""")
        return {s.split("<br>")[0]: (x, y) for s, x, y in points if s}  # type: ignore[union-attr]

    shown: dict[str, Any] = page.script(
        "return JSON.parse(document.getElementById('data').textContent)"
    )["runs"][0]["ground"]  # type: ignore[index]
    samples = moving.mobility.sort("time_s").collect().partition_by("ue", as_dict=True)
    seen = []
    for key, frame in ((Keys.HOME, 0), (Keys.END, -1), (Keys.ARROW_LEFT, -2)):
        slider.send_keys(key)
        at, marks = shown["time_s"][frame], drawn()
        seen.append(
            page.script("return document.querySelector('#map-plot .scatterlayer').innerHTML")
        )
        here = {
            ue: s for (ue,), s in samples.items() if s["time_s"][0] <= at <= s["time_s"][-1] + 0.1
        }
        # type: ignore[index]
        assert {int(re.match(r"<b>UE (\d+)", name)[1]) for name in marks} >= here.keys()
        for name, (x, y) in marks.items():
            mine = samples[int(re.match(r"<b>UE (\d+)", name)[1]),]  # type: ignore[index]
            assert x == pytest.approx(
                np.interp(at, mine["time_s"], mine["x_m"]), abs=2 * shown["step_m"]
            )
            assert y == pytest.approx(
                np.interp(at, mine["time_s"], mine["y_m"]), abs=2 * shown["step_m"]
            )
    assert len(set(seen)) == 3
    page.find("#map-play").click()
    wait_for(
        page.browser,
        lambda _: (
            page.find("#map-slider").get_attribute("value")
            not in ("0", slider.get_attribute("max"))
        ),
        limit_s=20,
    )
    page.find("#map-play").click()


def test_handovers_are_on_the_timeline_and_tell_their_numbers(
    opened: Callable[..., Page], moving: Run
) -> None:
    page = opened("moving", as_left=True)
    page.figure("timeline-plot")
    events = moving.spans.filter(pl.col("kind") == "handover").sort("start_s", "ue").collect()
    assert len(events) > 2
    number = events["round"][0]
    here = events.filter(pl.col("round") == number)
    page.find("#round-slider").send_keys(Keys.HOME)
    for _ in range(number - 1):
        page.find("#round-next").click()
    assert page.find("#timeline output").text.startswith(f"round {number}, ")
    marks = page.script("""return document.getElementById('timeline-plot').data
        .filter(t => t.name === 'handover').flatMap(t => t.x)""")
    begun = moving.rounds.filter(pl.col("round") == number).collect()["start_s"].min()
    # type: ignore[arg-type,operator]
    assert sorted(marks) == pytest.approx((here["start_s"] - begun).to_list(), abs=2e-4)
    said = page.hover(
        page.figure("timeline-plot").find_elements(By.CSS_SELECTOR, ".scatterlayer .point")[0]
    )
    found = re.search(r"UE (\d+).* to gNB (\d+).*handed over.*at ([\d.]+) s", said)
    assert found, said
    assert (int(found[1]), int(found[2])) in here.select("ue", "gnb").rows()


def test_cells_are_coloured_by_what_is_chosen(opened: Callable[..., Page]) -> None:
    page = opened("moving", as_left=True)
    page.figure("map-plot")
    fills = """return document.getElementById('map-plot').data
        .filter(t => t.legend === 'legend2').map(t => t.name)"""
    by_time = page.script(fills)
    Select(page.find("#map select")).select_by_value("energy_j")
    assert page.script(fills) != by_time
    assert all("J" in str(name) for name in page.script(fills))  # type: ignore[union-attr]
    Select(page.find("#map select")).select_by_value("none")
    assert page.script(fills) == []


# Of the first page all are looked at; of the others those that it lacks, and names that are long.
OWN_FIGURES: dict[str, tuple[str, ...]] = {
    "quickstart": (),
    "compared": ("comparison-plot", "timeline-plot", "map-plot"),
    "moving": ("handovers-plot", "timeline-plot", "map-plot"),
}


def test_a_phone_needs_no_sideways_scrolling(
    opened: Callable[..., Page], browser: webdriver.Chrome
) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for name, own in OWN_FIGURES.items():
            page = opened(name)
            for figure in own or page.names():
                page.figure(figure)
            assert page.script("return document.documentElement.scrollWidth") == 390
            assert page.complaints() == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_run_that_failed_at_once_still_has_a_page(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metadata.json").write_text('{"status": "failed", "records": {}}')
    page = Page(browser, write_report([open_run(tmp_path / "run")], tmp_path / "page.html"))
    assert "no round was closed" in page.find("#lead").text
    assert page.complaints() == []
