"""The page of a sweep: its curves, its sentences, its links; in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from browsing import wait_for
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from netsim.assembly.loaded import Loaded
from netsim.errors import DataError
from netsim.protocols import Silence
from netsim.reports.sweep_page import sweep_data, write_sweep_report
from netsim.results.conclusions import conclusions
from netsim.results.metrics import METRICS, within_range
from netsim.results.sweep import Sweep, open_sweep
from netsim.scenario.load import to_toml
from netsim.sweeps.job import execute
from netsim.sweeps.study import open_study

BAND, KIND = "radio.bandwidth_hz", "scheme.kind"
TINY = {"network_only": True, "rounds": 3, "ues.count": 8, "data.train_samples": 200}
HOSTILE = "</script><script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """2 bands x 2 schemes x 3 seeds, and a run that failed."""
    out = tmp_path_factory.mktemp("sweep") / "a b"
    over = {BAND: [5e6, 5e7], KIND: ["round_robin", "fedlora"]}
    study = open_study("quickstart", over, [0, 1, 2], fixed=TINY, out=out)
    loaded = Loaded()
    for job in study.jobs:
        done = execute(out, job.id, to_toml(job.scenario), Silence(), loaded)
        assert done.status == "done"
    failing = open_study("quickstart", {KIND: ["hetlora"]}, [0], fixed=TINY, out=out)
    (job,) = failing.jobs
    execute(out, job.id, to_toml(job.scenario), Silence(), loaded)
    metadata = out / "runs" / job.id / "metadata.json"
    text = metadata.read_text(encoding="utf-8")
    metadata.write_text(re.sub(r'"error": ".*"', f'"error": "{HOSTILE}"', text), encoding="utf-8")
    return open_sweep(out)


def test_curves_and_links_are_those_of_the_sweep(sweep: Sweep, tmp_path: Path) -> None:
    data = sweep_data(sweep, tmp_path / "page.html")
    latency = next(m for m in data["metrics"] if m["name"] == "upload_p50_s")
    response = sweep.response("upload_p50_s")
    assert latency["response"]["seeds"] == response["seeds"].to_list()
    known = [mean for mean in latency["response"]["mean"] if mean is not None]
    assert known == pytest.approx(response["mean"].drop_nulls().to_list(), rel=1e-4)
    assert {m["name"] for m in data["metrics"]} <= set(METRICS)
    assert "accuracy" not in {m["name"] for m in data["metrics"]}
    for link in data["runs"]["link"]:
        assert (tmp_path / unquote(link)).is_dir()


def test_bands_end_where_the_metric_does(tmp_path: Path) -> None:
    wide = pl.DataFrame(
        {"mean": [0.9, 0.1, 2.0], "low": [0.7, -0.2, -1.0], "high": [1.1, 0.4, 5.0]}
    )
    assert within_range("accuracy", wide)["high"].to_list() == [1.0, 0.4, 1.0]
    assert within_range("on_time_share", wide)["low"].to_list() == [0.7, 0.0, 0.0]
    assert within_range("energy_j", wide)["high"].to_list() == [1.1, 0.4, 5.0]
    out = tmp_path / "s"
    over = {"topology.density_per_km2": [1.0, 2.0]}
    study = open_study("quickstart", over, [0, 1], fixed=TINY, out=out)
    loaded = Loaded()
    for job in study.jobs:
        execute(out, job.id, to_toml(job.scenario), Silence(), loaded)
    found = open_sweep(out)
    shares = [name for name in METRICS if name.endswith("_share")]
    free = pl.concat([found.response(name).select("low", "high") for name in shares])
    assert free["low"].min() < 0 or free["high"].max() > 1  # Student's interval passes the ends
    drawn = {m["name"]: m["response"] for m in sweep_data(found, tmp_path)["metrics"]}
    for name in set(shares) & set(drawn):
        assert min(drawn[name]["low"]) >= 0
        assert max(drawn[name]["high"]) <= 1


def test_a_sentence_claims_no_more_than_its_interval(sweep: Sweep) -> None:
    found = conclusions(sweep, BAND, "upload_p50_s")
    steps = sweep.differences("upload_p50_s", BAND)
    assert len(found) == len(steps) == 2
    for conclusion, step in zip(found, steps.iter_rows(named=True), strict=True):
        sure = step["low"] > 0 or step["high"] < 0
        assert conclusion.sure == sure
        assert ("inconclusive at 3 seeds" in conclusion.sentence) == (not sure)
        if sure:
            verb = "rises" if step["mean"] > 0 else "falls"
            assert f"median upload latency {verb} by " in conclusion.sentence


def test_shares_change_by_points(sweep: Sweep) -> None:
    (first, *_) = conclusions(sweep, BAND, "on_time_share")
    assert "points" in first.sentence
    assert "%" not in first.sentence


def test_runs_without_the_metric_make_no_claim(sweep: Sweep) -> None:
    sentences = [c.sentence for c in conclusions(sweep, BAND, "time_to_accuracy_s")]
    assert set(sentences) == {"time to accuracy 0.8: no pair of runs has a value"}


def test_time_to_another_accuracy_is_asked_of_the_runs(sweep: Sweep) -> None:
    found = sweep.response("rounds_to_accuracy", accuracy=0.6)
    assert found["missing"].sum() == sweep.runs.height
    assert sweep.differences("energy_to_accuracy_j", BAND, accuracy=0.6)["pairs"].sum() == 0


def test_the_page_answers_in_a_browser(
    sweep: Sweep, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    page = write_sweep_report(sweep, tmp_path / "page.html")
    browser.get_log("browser")
    browser.get(page.resolve().as_uri())
    plot = "#response-plot .main-svg"
    wait_for(browser, lambda b: b.find_elements(By.CSS_SELECTOR, plot))
    assert "What changes with bandwidth and scheme" in browser.find_element(By.ID, "title").text
    assert "12 of 13 runs finished" in browser.find_element(By.ID, "lead").text
    short = browser.find_element(By.ID, "short").text
    assert "steps are inconclusive" in short
    assert "5 MHz → 50 MHz" in short
    panels = browser.find_elements(By.CSS_SELECTOR, "#response-plot .annotation-text")
    assert {"scheme fedlora", "scheme round_robin"} <= {p.text for p in panels}
    first = browser.find_element(By.CSS_SELECTOR, "#steps tbody tr").text
    assert "5 MHz → 50 MHz" in first
    Select(browser.find_element(By.CSS_SELECTOR, "#response select")).select_by_value("energy_j")
    assert "energy" in browser.find_element(By.CSS_SELECTOR, "#steps tbody tr").text
    browser.find_elements(By.CSS_SELECTOR, "#response .choice button")[1].click()
    assert "fedlora → " in browser.find_element(By.CSS_SELECTOR, "#steps tbody tr").text
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    all_plot = "#all-plot .main-svg"
    wait_for(browser, lambda b: b.find_elements(By.CSS_SELECTOR, all_plot))
    titles = [e.text for e in browser.find_elements(By.CSS_SELECTOR, "#all-plot .annotation-text")]
    shown = Select(browser.find_element(By.CSS_SELECTOR, "#response select")).options
    assert len(titles) == len(shown) > 3
    browser.find_element(By.ID, "theme").click()
    assert HOSTILE in browser.find_element(By.ID, "runs").get_attribute("textContent")
    assert browser.execute_script("return window.hacked") is None
    assert browser.get_log("browser") == []


def test_a_sweep_without_a_finished_run_has_no_page(tmp_path: Path) -> None:
    open_study("quickstart", {BAND: [5e6]}, [0], fixed=TINY, out=tmp_path / "s")
    with pytest.raises(DataError, match="no run of this sweep is finished"):
        write_sweep_report(open_sweep(tmp_path / "s"), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    assert isinstance(open_sweep(tmp_path / "s").runs, pl.DataFrame)
