"""Flower apps over the radio: against Flower's own runtime, against plain NumPy, and gone wrong."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim

pytest.importorskip("flwr", reason="needs the extra flower: pip install '.[flower]'")

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

import netsim.flower
from netsim.flower.apps import apps_of
from netsim.scenario.load import to_toml

APPS = Path(__file__).parent / "apps"
NODES = 6
SMALL: dict[str, Any] = {
    "scheme.kind": "round_robin",
    "ues.count": NODES,
    "topology.window_km": 6,
}
EVERYTHING_ARRIVES: dict[str, Any] = {
    "round.deadline_s": float("inf"),
    "round.compute_limit_s": None,
    "radio.bandwidth_hz": 1e9,
    "radio.sinr_threshold_db": -300.0,
}
LAW = np.arange(1.0, 6.0)
ROWS = 40


def scenario(app: str = "numpy", run_config: str = "", **overrides: Any) -> netsim.Scenario:
    named = {key.replace("__", "."): value for key, value in overrides.items()}
    keys = {"flower.app": str(APPS / app), "flower.run_config": run_config, "rounds": 1000}
    return netsim.load_scenario("quickstart", {**SMALL, **keys, **named})


def on_time(run: netsim.Run) -> dict[int, set[int]]:
    """Who arrived, by round."""
    uploads = run.uploads.filter(pl.col("outcome") == "on_time").collect()
    return {
        number: set(uploads.filter(pl.col("round") == number)["ue"])
        for number in run.rounds.collect()["round"].unique()
    }


def least_squares(arrived: dict[int, set[int]]) -> Any:
    """FedAvg of the NumPy app over those who arrived, written down again."""
    weights = np.zeros(len(LAW))
    for number in sorted(arrived):
        updates = []
        for node in sorted(arrived[number]):
            generator = np.random.default_rng([7, node])
            x = generator.normal(size=(ROWS, len(LAW)))
            y = x @ LAW + 0.1 * generator.normal(size=ROWS)
            own = weights
            for _ in range(5):
                own = own - 0.1 * x.T @ (x @ own - y) / ROWS
            updates.append(own)
        weights = np.mean(updates, axis=0) if updates else weights
    return weights


@pytest.fixture
def final(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the last strategy came to."""
    from flwr.serverapp.strategy import Strategy

    kept: dict[str, Any] = {}
    begin = Strategy.start

    def start(self: Any, *arguments: Any, **named: Any) -> Any:
        result = begin(self, *arguments, **named)
        kept["weights"] = result.arrays.to_numpy_ndarrays()[0]
        kept["result"] = result
        return result

    monkeypatch.setattr(Strategy, "start", start)
    return kept


# -- the same numbers ------------------------------------------------------------------------------


def flower_itself(apps: Any, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower's own simulation runtime, with workers in this process in place of ray's."""
    from flwr.server.superlink.fleet.vce.backend.backend import Backend
    from flwr.simulation import run_simulation

    class Here(Backend):
        def __init__(self, *_: Any, **__: Any) -> None:
            self.app: Any = None

        def build(self, app_fn: Any) -> None:
            self.app = app_fn()

        @property
        def num_workers(self) -> int:
            return 1

        def is_worker_idle(self) -> bool:
            return True

        def terminate(self) -> None:
            pass

        def process_message(self, message: Any, context: Any) -> Any:
            own = copy.copy(context)
            own.run_config = config
            return self.app(message, own), context

    module = ModuleType("raybackend")
    monkeypatch.setattr(module, "RayBackend", Here, raising=False)
    monkeypatch.setitem(sys.modules, f"{Backend.__module__.rpartition('.')[0]}.raybackend", module)
    server = ServerApp()

    @server.main()
    def main(grid: Grid, context: Context) -> None:
        while len(list(grid.get_node_ids())) < NODES:  # they register meanwhile
            time.sleep(0.05)
        context.run_config = config
        apps.server(grid=grid, context=context)

    run_simulation(server, apps.client, num_supernodes=NODES, backend_name="here")


def test_with_everything_on_time_it_is_flowers_own_simulation(
    tmp_path: Path, final: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with apps_of(APPS / "numpy", "") as apps:
        flower_itself(apps, apps.config, monkeypatch)
    theirs = final["weights"]
    run = netsim.run(scenario(**EVERYTHING_ARRIVES), out=tmp_path / "run")
    assert on_time(run) == {number: set(range(NODES)) for number in (1, 2, 3)}
    assert np.abs(final["weights"] - theirs).max() < 1e-6
    assert np.abs(theirs - least_squares(on_time(run))).max() < 1e-6


def test_the_aggregate_is_of_who_arrived(tmp_path: Path, final: dict[str, Any]) -> None:
    run = netsim.run(scenario(run_config="num-server-rounds=5"), out=tmp_path / "run")
    arrived = on_time(run)
    sizes = {len(nodes) for nodes in arrived.values()}
    assert min(sizes) < NODES
    assert max(sizes) > 0
    assert np.abs(final["weights"] - least_squares(arrived)).max() < 1e-9
    assert run.metadata["scheme"] == "flower"
    # executed: everybody in round 1, where no size was known, and then who arrived
    known = [len(arrived[number]) for number in sorted(arrived) if number > 1]
    calls = final["result"].train_metrics_clientapp[5]["calls"]
    assert calls * len(arrived[5]) <= NODES + sum(known)


@pytest.mark.parametrize(("execute", "calls"), [("all", 4 * NODES), ("arrived", None)])
def test_what_does_not_arrive_is_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, execute: str, calls: int | None
) -> None:
    """Exact mode executes before the uplink; both give the same tables."""
    from netsim.flower.clients import Clients

    executed = []
    execution = Clients.execute

    def counted(self: Any, message: Any) -> Any:
        if message.metadata.message_type == "train":
            executed.append(message.metadata.dst_node_id)
        return execution(self, message)

    monkeypatch.setattr(Clients, "execute", counted)
    config = "num-server-rounds=4"
    run = netsim.run(scenario(run_config=config, flower__execute=execute), out=tmp_path / "run")
    arrived = on_time(run)
    if calls is None:
        calls = NODES + sum(len(arrived[number]) for number in (2, 3, 4))
        assert calls < 4 * NODES
    assert len(executed) == calls
    exact = netsim.run(scenario(run_config=config, flower__execute="all"), out=tmp_path / "exact")
    for table in ("uploads", "spans", "evaluations"):
        mine, theirs = (getattr(r, table).collect() for r in (run, exact))
        assert mine.equals(theirs)


@pytest.mark.parametrize(
    "strategy", ["FedAvg", "FedAdam", "FedProx", "FedAvgM", "FedMedian", "Krum", "DP"]
)
def test_flowers_strategies_work_unchanged(
    tmp_path: Path, final: dict[str, Any], strategy: str
) -> None:
    config = f"strategy={strategy} num-server-rounds=2"
    run = netsim.run(scenario(run_config=config, **EVERYTHING_ARRIVES), out=tmp_path / "run")
    assert run.metadata["status"] == "done"
    assert np.isfinite(final["weights"]).all()
    assert np.abs(final["weights"]).max() > 0
    assert len(final["result"].evaluate_metrics_serverapp) == 3


@pytest.mark.parametrize("app", ["torch", "sklearn"])
def test_other_frameworks_learn(tmp_path: Path, app: str) -> None:
    if app == "sklearn":
        pytest.importorskip("sklearn", reason="needs scikit-learn")
    settings = scenario(app, **EVERYTHING_ARRIVES)
    curve = netsim.run(settings, out=tmp_path / "run").learning_curve().collect()
    assert curve["loss"][-1] < curve["loss"][0]
    assert curve["accuracy"][-1] > curve["accuracy"][0]
    assert curve["time_s"].is_sorted()


def test_a_server_that_pushes_and_pulls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round is all that was pushed; a lost reply is told as an error, so that nobody waits."""
    monkeypatch.chdir(tmp_path)
    run = netsim.run(scenario("analytics"), out=tmp_path / "run")
    totals = json.loads(Path("totals.json").read_text(encoding="utf-8"))
    arrived = on_time(run)
    for number, total in enumerate(totals, 1):
        expected = np.zeros(4, dtype=int)
        for node in arrived[number]:
            rows = np.random.default_rng(node).normal(size=100)
            expected += np.histogram(rows, bins=4, range=(-2, 2))[0]
        assert total == {"bins": expected.tolist(), "failed": NODES - len(arrived[number])}


# -- time, sizes, measurements ---------------------------------------------------------------------


def test_sizes_of_messages_are_bits_on_the_air(tmp_path: Path) -> None:
    run = netsim.run(scenario(run_config="num-server-rounds=1"), out=tmp_path / "run")
    npy = 128 + 8 * len(LAW)  # header and numbers of an array
    up = len("arrays") + len("0") + npy + len("metrics")
    up += len("train_loss") + len("num-examples") + len("calls") + 3 * 8
    down = len("arrays") + len("0") + npy + len("config") + len("server-round") + 8
    assert set(run.uploads.collect()["payload_bits"]) == {8.0 * up}
    heard = run.spans.filter(pl.col("kind") == "broadcast", pl.col("ue").is_not_null()).collect()
    assert set(heard["bits"]) == {8.0 * down}


def test_timeout_is_simulated_time(tmp_path: Path) -> None:
    client, server = echo_apps(np.zeros(10), timeout=0.05)
    run = netsim.flower.run(
        client_app=client, server_app=server, overrides=SMALL, out=tmp_path / "r"
    )
    rounds = run.rounds.collect()
    assert (rounds["deadline_s"] - rounds["start_s"]).to_list() == pytest.approx([0.05, 0.05])
    assert len(run.uploads.collect()) == 0  # nobody has computed by then
    assert run.metadata["simulated_s"] < 0.2
    assert run.metadata["stop_reason"] == "rounds"


def echo_apps(array: Any, timeout: float = 3600, rounds: int = 2) -> tuple[ClientApp, ServerApp]:
    client, server = ClientApp(), ServerApp()

    @client.train()
    def train(message: Message, context: Context) -> Message:
        metrics = MetricRecord({"num-examples": 1})
        content = {"arrays": message.content["arrays"], "metrics": metrics}
        return Message(RecordDict(content), reply_to=message)

    @server.main()
    def main(grid: Grid, context: Context) -> None:
        strategy = FedAvg(fraction_evaluate=0.0)
        strategy.start(grid, ArrayRecord([array]), num_rounds=rounds, timeout=timeout)

    return client, server


def test_evaluation_on_the_air_takes_rounds_of_its_own(tmp_path: Path) -> None:
    config = "num-server-rounds=2 server.evaluates=false"
    free = netsim.run(scenario(run_config=config), out=tmp_path / "free")
    paid = netsim.run(
        scenario(run_config=config, flower__evaluate_on_air=True), out=tmp_path / "paid"
    )
    assert (free.metadata["rounds"], paid.metadata["rounds"]) == (2, 4)
    compute = paid.spans.filter(pl.col("kind") == "compute").collect()
    by_round = {
        number: compute.filter(pl.col("round") == number, pl.col("outcome") != "aborted")
        .sort("ue")
        .select(length=pl.col("end_s") - pl.col("start_s"))["length"]
        .to_list()[0]
        for number in (1, 2)
    }
    assert by_round[2] / by_round[1] == pytest.approx(1 / 3)
    assert paid.evaluations.collect()["round"].unique().to_list() == [2, 4]
    assert free.evaluations.collect()["round"].unique().to_list() == [1, 2]


def test_evaluations_are_the_servers_or_the_nodes_mean(tmp_path: Path) -> None:
    own = netsim.run(scenario(run_config="num-server-rounds=2"), out=tmp_path / "own")
    curve = own.learning_curve().collect()
    assert curve["round"].to_list() == [0, 1, 2]
    assert curve["time_s"][0] == 0
    assert curve["accuracy"].to_list() == pytest.approx((1 / (1 + curve["loss"])).to_list())
    config = "num-server-rounds=2 server.evaluates=false"
    nodes = netsim.run(scenario(run_config=config), out=tmp_path / "nodes")
    rows = nodes.evaluations.filter(pl.col("round") == 1).collect()
    common = rows.filter(pl.col("ue").is_null())
    assert len(common) == 1
    of_nodes = rows.filter(pl.col("ue").is_not_null())
    assert set(of_nodes["ue"]) == set(range(NODES))
    assert common["loss"][0] == pytest.approx(of_nodes["loss"].mean())
    assert common["accuracy"].null_count() == 1


def test_what_nodes_change_is_their_own(tmp_path: Path, final: dict[str, Any]) -> None:
    """Messages share their content; a node that writes into its own disturbs nobody."""
    config = 'num-server-rounds=2 fault="mutates"'
    run = netsim.run(scenario(run_config=config, **EVERYTHING_ARRIVES), out=tmp_path / "run")
    assert np.abs(final["weights"] - least_squares(on_time(run))).max() < 1e-9


def test_replies_that_grow_are_told_of(tmp_path: Path) -> None:
    config = 'num-server-rounds=3 fault="grows"'
    settings = scenario(run_config=config, **EVERYTHING_ARRIVES)
    run = netsim.run(settings, out=tmp_path / "run")
    (warning,) = run.metadata["warnings"]
    assert "replies change in size" in warning
    bits = run.uploads.collect().group_by("round").agg(pl.col("payload_bits").max()).sort("round")
    first, second, third = bits["payload_bits"]
    assert first == second
    assert third == first + 8 * (len("note") + len("text") + 1000)


# -- a run like any other --------------------------------------------------------------------------


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """Half of the nodes are sampled, by Python's own generator."""
    settings = scenario(run_config="fraction-train=0.5")
    first, second = (netsim.run(settings, out=tmp_path / name) for name in ("a", "b"))
    for table in ("uploads", "spans", "evaluations", "rounds"):
        mine, other = (sorted((run.path / table).glob("*")) for run in (first, second))
        assert [f.read_bytes() for f in mine] == [f.read_bytes() for f in other]
    assert first.uploads.collect()["ue"].n_unique() > 3
    assert first.uploads.collect().group_by("round").len()["len"].max() <= 3


def test_several_cells_and_moving_nodes(tmp_path: Path) -> None:
    world = {"federation": "network", "mobility.kind": "random_waypoint", "ues.count": 12}
    keys = {key.replace(".", "__"): value for key, value in world.items()}
    run = netsim.run(scenario(run_config="num-server-rounds=2", **keys), out=tmp_path / "run")
    assert run.rounds.collect()["gnb"].n_unique() > 1
    assert run.metadata["rounds"] == 2


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netsim.cli.main", *words], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command line."""
    folder = tmp_path_factory.mktemp("flower") / "run"
    sets = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    done = command("flower", str(APPS / "numpy"), *sets, "--out", str(folder), "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    return folder


def test_the_folder_is_that_of_any_run(printed: Path, tmp_path: Path) -> None:
    """It balances, has a report, and its scenario runs again to the same bytes."""
    assert command("validate", str(printed)).returncode == 0
    page = tmp_path / "page.html"
    assert command("report", str(printed), "--out", str(page)).returncode == 0
    assert "flower" in page.read_text(encoding="utf-8")
    again = netsim.run(printed / "scenario.toml", out=tmp_path / "again")
    for table in ("uploads", "evaluations"):
        assert (
            getattr(again, table)
            .collect()
            .equals(getattr(netsim.open_run(printed), table).collect())
        )


def test_it_sweeps(printed: Path, tmp_path: Path) -> None:
    study = netsim.sweep(
        printed / "scenario.toml",
        {"flower.run_config": ["num-server-rounds=1", "num-server-rounds=2"]},
        [1],
        out=tmp_path / "sweep",
        jobs=1,
    )
    assert study.runs["rounds_closed"].sort().to_list() == [1, 2]
    assert study.runs["accuracy"].null_count() == 0


def test_an_interrupted_run_begins_again(tmp_path: Path) -> None:
    """The state of an app is its own, so there are no checkpoints."""
    settings = scenario(run_config="num-server-rounds=100000", checkpoint_every=1)
    (tmp_path / "s.toml").write_text(to_toml(settings), encoding="utf-8")
    words = ["run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "run"), "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "netsim.cli.main", *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run").glob("rounds/*.parquet")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "to go on: netsim resume" in errors
    assert not (tmp_path / "run" / "checkpoint").exists()
    toml = tmp_path / "run" / "scenario.toml"
    toml.write_text(toml.read_text().replace("num-server-rounds=100000", "num-server-rounds=2"))
    run = netsim.resume(tmp_path / "run")
    assert (run.metadata["status"], run.metadata["rounds"]) == ("done", 2)
    assert "the state of a Flower app is its own: the run begins again" in run.metadata["warnings"]


def test_the_scenarios_own_ends_hold(tmp_path: Path) -> None:
    config = "num-server-rounds=50"
    run = netsim.run(scenario(run_config=config, stop__energy_j=30.0), out=tmp_path / "run")
    assert run.metadata["stop_reason"] == "energy_j"
    assert 0 < run.metadata["rounds"] < 50
    run = netsim.run(scenario(run_config=config, rounds=3), out=tmp_path / "three")
    assert (run.metadata["stop_reason"], run.metadata["rounds"]) == ("rounds", 3)


# -- what goes wrong -------------------------------------------------------------------------------

FAULTS = {
    "exception": r"round 1, node 2: the ClientApp failed: ZeroDivisionError: no rows \(client_app\.py, line \d+\)",
    "large": r"node 0: the ClientApp's reply has \d+ bytes: at most 100000 may be sent",
    "wrong node": r"a message of the ServerApp goes to node 6: nodes are the UEs 0 to 5",
    "server": r"the ServerApp failed: RuntimeError: the server broke \(server_app\.py, line \d+\)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_apps_give_one_error_and_a_readable_run(tmp_path: Path, fault: str) -> None:
    settings = scenario(run_config=f'fault="{fault}"', flower__most_bytes=100_000)
    with pytest.raises(netsim.RunError, match=FAULTS[fault]):
        netsim.run(settings, out=tmp_path / "run")
    run = netsim.open_run(tmp_path / "run")
    assert run.metadata["status"] == "failed"
    assert run.metadata["error"].startswith("RunError: ")
    assert len(run.ues.collect()) in (0, NODES)


def test_a_failure_keeps_the_rounds_before_it(tmp_path: Path) -> None:
    client, server = echo_apps(np.zeros(3), rounds=9)
    calls: list[int] = []

    @client.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        return Message(RecordDict(), reply_to=message)

    failing = ClientApp()

    @failing.train()
    def train(message: Message, context: Context) -> Message:
        calls.append(context.node_id)
        if len(calls) > NODES:
            raise ValueError("later")
        return client(message, context)

    overrides = {**SMALL, **EVERYTHING_ARRIVES}
    with pytest.raises(netsim.RunError, match="round 2, node 0: the ClientApp failed: ValueError"):
        netsim.flower.run(server, failing, overrides=overrides, out=tmp_path / "run")
    run = netsim.open_run(tmp_path / "run")
    assert run.rounds.collect()["round"].to_list() == [1]


def pyproject(folder: Path, components: str) -> Path:
    folder.mkdir()
    text = f"[tool.flwr.app.components]\n{components}\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("components", "rule"),
    [
        ('serverapp = "app"', r"components\.serverapp: must have the form module:attribute"),
        ('serverapp = "nowhere:app"', r"serverapp: cannot be loaded: ModuleNotFoundError"),
        ('serverapp = "json:dumps"', r"serverapp: must be a ServerApp \(found 'function'\)"),
        ("other = 1", r"serverapp: must have the form module:attribute"),
    ],
)
def test_bad_folders_are_bad_input(tmp_path: Path, components: str, rule: str) -> None:
    folder = pyproject(tmp_path / "app", components)
    with pytest.raises(netsim.DataError, match=rule):
        netsim.run(scenario(flower__app=str(folder)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_modules_whose_places_are_paths_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some loaders give paths where others give text."""
    spec = ModuleSpec("elsewhere", None, is_package=True)
    spec.submodule_search_locations = [Path("/elsewhere")]  # type: ignore[list-item]
    module = ModuleType("elsewhere")
    module.__spec__ = spec
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    with apps_of(APPS / "numpy", ""):
        pass
    assert sys.modules["elsewhere"] is module


@pytest.mark.parametrize(
    ("overrides", "rule"),
    [
        ({"flower.app": None}, "flower.app: must be given"),
        ({"flower.app": "/nowhere"}, r"must be the pyproject\.toml of a Flower app"),
        ({"flower.run_config": "rounds=3"}, "the app has no rounds"),
        ({"flower.run_config": "a b"}, "must have the form name=value"),
        ({"network_only": True}, "flower executes apps, which network_only leaves out"),
        ({"round.late_uploads": "stale"}, r"flower needs round\.late_uploads = drop"),
        ({"flower.bandwith": "equal"}, r"unknown key; did you mean bandwidth"),
    ],
)
def test_bad_scenarios_are_bad_input(tmp_path: Path, overrides: dict[str, Any], rule: str) -> None:
    named = {key.replace(".", "__"): value for key, value in overrides.items()}
    with pytest.raises(netsim.InputError, match=rule):
        netsim.run(scenario(**named), out=tmp_path / "run")


def test_another_app_than_the_one_given_is_refused(tmp_path: Path) -> None:
    here = ("--set", "ues.count=4", "--set", "rounds=1", "--out", str(tmp_path / "run"))
    other = command("flower", str(APPS / "numpy"), "--set", "flower.app=elsewhere", *here)
    assert other.returncode == 2
    assert "flower.app: must not be another app than the one that is given" in other.stderr
    assert not (tmp_path / "run").exists()
    apps = echo_apps(np.zeros(2))
    with pytest.raises(netsim.ScenarioError, match="the apps are objects"):
        netsim.flower.run(apps[1], apps[0], "quickstart", {"flower.app": "numpy"})


def test_a_server_fn_is_refused_in_words(tmp_path: Path) -> None:
    """Deprecated ServerApps talk to each node from a thread of its own."""
    from flwr.server import ServerAppComponents, ServerConfig
    from flwr.server.strategy import FedAvg as OldFedAvg

    server = ServerApp(
        server_fn=lambda _context: ServerAppComponents(
            strategy=OldFedAvg(), config=ServerConfig(num_rounds=1)
        )
    )
    client, _ = echo_apps(np.zeros(2))
    with pytest.raises(netsim.InputError, match="the ServerApp must have a main function"):
        netsim.flower.run(server, client, overrides=SMALL, out=tmp_path / "run")


def test_messages_from_other_threads_are_refused_in_words(tmp_path: Path) -> None:
    client, server = echo_apps(np.zeros(2))
    threaded = ServerApp()

    @threaded.main()
    def main(grid: Grid, context: Context) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(server, grid, context).result()

    with pytest.raises(netsim.RunError, match="the ServerApp sends from several threads"):
        netsim.flower.run(threaded, client, overrides=SMALL, out=tmp_path / "run")


def test_import_without_flower_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    monkeypatch.setitem(sys.modules, "flwr", None)
    monkeypatch.delitem(sys.modules, "netsim.flower")
    with pytest.raises(netsim.InputError, match=r"pip install 'netsim-fedlora\[flower\]'"):
        importlib.import_module("netsim.flower")
