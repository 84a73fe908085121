"""The live page: who gets an answer, and what a browser sees of a run that goes on or is killed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from browsing import wait_for
from forking import Forked, ForkServer
from pace import slowness
from selenium import webdriver
from selenium.webdriver.common.by import By

from netsim.errors import DataError, OutputError
from netsim.reports import live, live_process
from netsim.reports.live import LiveServer
from netsim.reports.live_process import served as served_beside
from netsim.results.reader import Run
from netsim.scenario.load import to_toml
from netsim.scenario.model import Scenario

WAIT_S = 90


@pytest.fixture
def served() -> Iterator[Callable[[Path], LiveServer]]:
    """Serve run folders until the test is over."""
    servers: list[LiveServer] = []

    def serve(path: Path) -> LiveServer:
        server = LiveServer(path)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


STEPPED = """
import sys, time
import netsim

session = netsim.Session(sys.argv[1], out=sys.argv[2])
while not session.done:
    session.step(session.scheme.plan(session.observe()))
    session.save()
    time.sleep(0.2)
"""


@pytest.fixture
def going_on(
    tmp_path: Path, make_network: Callable[..., Scenario], forks: ForkServer
) -> Iterator[tuple[Forked, Path]]:
    """A run in a process of its own that takes long and writes often; its first rounds are there."""
    scenario = make_network({"rounds": 2000, "ues.count": 6})
    (tmp_path / "long.toml").write_text(to_toml(scenario), encoding="utf-8")
    folder = tmp_path / "run"
    process = forks.start("long.toml", str(folder), script=STEPPED, folder=tmp_path)
    until(lambda: bool(list(folder.glob("rounds/*.parquet"))))
    yield process, folder
    process.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(
    server: LiveServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request, with the token in place of TOKEN."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=WAIT_S)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path.replace("TOKEN", server.token), headers=given)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), body


def test_only_those_who_know_the_token_get_an_answer(
    network_run: Callable[..., Run], served: Callable[[Path], LiveServer]
) -> None:
    server = served(network_run().path)
    assert server.server_address[0] == "127.0.0.1"
    status, headers, page = ask(server, "/TOKEN/")
    assert status == 200
    assert headers["X-Frame-Options"] == "DENY"
    assert "connect-src &#x27;self&#x27;" in page.decode() or "connect-src 'self'" in page.decode()
    for path in (
        "/",
        "/data",
        f"/{'x' * len(server.token)}/",
        "/TOKEN/../",
        "/TOKEN/scenario.toml",
    ):
        assert ask(server, path)[0] == 404, path
    port = server.server_port
    for host in ("localhost:9999", f"127.0.0.1:{port}", "[::1]:80"):
        assert ask(server, "/TOKEN/data", Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "[", "@"):
        assert ask(server, "/TOKEN/data", Host=host)[0] == 403, host
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, "/TOKEN/data", method)[0] == 501


def test_what_has_not_changed_is_not_sent_again(
    network_run: Callable[..., Run], served: Callable[[Path], LiveServer]
) -> None:
    server = served(network_run().path)
    status, headers, body = ask(server, "/TOKEN/data")
    data = json.loads(body)
    assert (status, data["runs"][0]["metadata"]["status"]) == (200, "done")
    for _ in range(3):
        status, _, body = ask(server, "/TOKEN/data", If_None_Match=headers["ETag"])
        assert (status, body) == (304, b"")
    assert server.follower.read == 1


def test_tables_that_cannot_be_read_leave_what_was_there(
    tmp_path: Path, network_run: Callable[..., Run], served: Callable[[Path], LiveServer]
) -> None:
    """While a table is being replaced, and for good if it stays damaged."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(network_run().path, folder)
    server = served(folder)
    before = ask(server, "/TOKEN/data")[2]
    (part,) = (folder / "uploads").glob("*.parquet")
    whole = part.read_bytes()
    part.write_bytes(whole[:100])
    assert ask(server, "/TOKEN/data")[2] == before
    part.write_bytes(whole)
    assert ask(server, "/TOKEN/data")[2] == before


def test_a_link_to_itself_is_refused(tmp_path: Path, network_run: Callable[..., Run]) -> None:
    run = Path(shutil.copytree(network_run().path, tmp_path / "run"))
    part = run / "ues" / "part-000000.parquet"
    part.unlink()
    part.symlink_to(part.name)
    with pytest.raises(DataError, match="must be a plain file, not a link"):
        LiveServer(run)


def test_bad_input(tmp_path: Path, network_run: Callable[..., Run]) -> None:
    with pytest.raises(DataError, match="does not exist"):
        LiveServer(tmp_path / "nowhere")
    server = LiveServer(network_run().path)
    with pytest.raises(OutputError, match="--port: cannot be used"):
        LiveServer(network_run().path, server.server_port)
    with pytest.raises(OutputError, match="--port: cannot be used"):
        LiveServer(network_run().path, 99999)
    server.server_close()


def rounds_shown(browser: webdriver.Chrome) -> int:
    text = browser.find_element(By.ID, "live").text
    return int(text.rpartition(" ")[2]) if text.startswith("live: round") else -1


def test_a_browser_follows_a_run_and_sees_it_killed(
    browser: webdriver.Chrome,
    going_on: tuple[Forked, Path],
    served: Callable[[Path], LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "MOST_PART", 1.0)  # a test has no time to wait for looks
    process, folder = going_on
    server = served(folder)
    browser.get_log("browser")
    browser.get(server.address)
    first = rounds_shown(browser)
    assert first > 0
    energy = cards(browser)
    wait_for(browser, lambda b: rounds_shown(b) > first, WAIT_S)
    assert cards(browser) != energy
    assert browser.find_elements(By.ID, "timeline-plot")

    # a second viewer sees the same run
    mine = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(server.address)
    second = rounds_shown(browser)
    assert second > first
    wait_for(browser, lambda b: rounds_shown(b) > second, WAIT_S)
    browser.close()
    browser.switch_to.window(mine)

    process.send_signal(signal.SIGKILL)
    process.wait()
    over = "the run is over: killed"
    wait_for(browser, lambda b: b.find_element(By.ID, "live").text == over, WAIT_S)
    assert "status: killed" in browser.find_element(By.ID, "lead").text
    assert [str(entry["message"]) for entry in browser.get_log("browser")] == []
    asked = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    assert set(asked) <= {f"{server.address}data"}


def cards(browser: webdriver.Chrome) -> Any:
    return browser.find_element(By.ID, "cards").text


def test_an_idle_page_costs_next_to_nothing(
    going_on: tuple[Forked, Path], served: Callable[[Path], LiveServer]
) -> None:
    """Nobody asks: the server does nothing. Somebody asks and nothing is new: under 2% of a core."""
    process, folder = going_on
    server = served(folder)
    reads = server.follower.read
    process.send_signal(signal.SIGSTOP)  # the run pauses, so that nothing is new
    version = ask(server, "/TOKEN/data")[1]["ETag"]
    begun = time.process_time()
    for _ in range(20):
        assert ask(server, "/TOKEN/data", If_None_Match=version)[0] == 304
    per_second = (time.process_time() - begun) / 20  # a page asks once a second
    process.send_signal(signal.SIGCONT)
    assert per_second < 0.02 * slowness()
    assert server.follower.read <= reads + 2


def test_looks_take_a_fiftieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another look waits until it can be afforded, at the size of the tables now."""
    looks = live.Looks()
    begun, now, spent = time.monotonic(), 0.0, 0.0
    monkeypatch.setattr(live.time, "monotonic", lambda: begun + now)
    monkeypatch.setattr(live.time, "process_time", lambda: spent)
    with suppress(DataError), looks.one(size=100):
        spent += 0.5
        raise DataError("torn", where="uploads")  # a look in vain has cost as much
    now = 49.0
    assert not looks.affordable(size=100)
    now = 51.0
    assert looks.affordable(size=100)
    assert not looks.affordable(size=200)  # 1 s, now
    now = 76.0
    assert looks.affordable(size=200)


def test_the_command_tells_its_address_and_ends(
    network_run: Callable[..., Run], forks: ForkServer
) -> None:
    path = network_run().path
    process = forks.start("live", str(path), folder=path)
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 0
    assert "ssh -L" in told
    assert "Traceback" not in told


def test_a_run_may_have_its_page_beside_it(
    network_run: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    """`--live`: served by a process of its own, which ends with the block, also if nobody looked."""
    told = ""
    with served_beside(network_run().path, wanted=True):
        while "\n" not in told:
            time.sleep(0.05)
            told += capfd.readouterr().err
        address = told.removeprefix("live: ").strip()
        assert json.load(urlopen(f"{address}data"))["runs"][0]["metadata"]["status"] == "done"
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{address}data")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_page_that_hangs_does_not_hold_up_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 20\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hangs))
    monkeypatch.setattr(live_process, "LAST_ANSWER_S", 0.05, raising=False)
    begun_s = time.monotonic()
    with served_beside(tmp_path, wanted=True):
        pass
    assert time.monotonic() - begun_s < 10


def test_the_page_process_finds_the_modules_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where netsim is a folder on the path of this process alone."""
    (tmp_path / "netsim" / "reports").mkdir(parents=True)
    for package in ("netsim", "netsim/reports"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "netsim" / "reports" / "live_process.py").write_text("print('found')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with served_beside(tmp_path, wanted=True):
        until(lambda: capfd.readouterr().err == "live: found\n")


def test_the_last_answer_is_waited_for(
    network_run: Callable[..., Run],
    served: Callable[[Path], LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = served(network_run().path)
    data = server.follower.data()
    asked = threading.Event()

    def slow() -> tuple[str, dict[str, Any]]:
        asked.set()
        time.sleep(0.3)
        return data

    monkeypatch.setattr(server.follower, "data", slow)
    answers: list[int] = []
    browser = threading.Thread(target=lambda: answers.append(ask(server, "/TOKEN/data")[0]))
    browser.start()
    assert asked.wait(WAIT_S)
    begun_s = time.monotonic()
    server.settle()
    assert time.monotonic() - begun_s > 0.1
    browser.join(WAIT_S)
    assert answers == [200]


def test_numbers_that_json_lacks_are_an_answer_in_words(
    network_run: Callable[..., Run],
    served: Callable[[Path], LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = served(network_run().path)
    monkeypatch.setattr(server.follower, "data", lambda: ("1", {"a": float("inf")}))
    status, _, text = ask(server, "/TOKEN/data")
    assert (status, text) == (503, b"a page cannot show numbers that are infinite or none\n")


def test_a_browser_that_leaves_is_no_error(
    network_run: Callable[..., Run],
    served: Callable[[Path], LiveServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The server's standard error is the terminal of the run."""
    server = served(network_run().path)
    said = []
    for error in (BrokenPipeError(), ConnectionResetError(), KeyError("a fault")):
        try:
            raise error
        except Exception:
            server.handle_error(None, ("127.0.0.1", 1))
        said.append(capsys.readouterr().err)
    assert said[:2] == ["", ""]
    assert "KeyError" in said[2]
