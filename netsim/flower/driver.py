"""A run that a Flower app drives, from beginning to end."""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Context, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from flwr.supercore.run import Run as FlowerRun
from flwr.supercore.task_identity import TaskIdentity

from netsim.course import Course
from netsim.errors import InputError, NetsimError, RunError, ScenarioError
from netsim.execution import Session, carry_out, new_record
from netsim.flower.apps import Apps, apps_of, config_of, told
from netsim.flower.clients import Clients
from netsim.flower.exchange import Exchange, Replies, RunOver, Sizes
from netsim.flower.grid import RadioGrid
from netsim.flower.measures import Measures, watching
from netsim.protocols import Listener
from netsim.results.checkpoint import Pace
from netsim.results.reader import Run
from netsim.results.writer import ParquetSink
from netsim.scenario.flower import FlowerApp
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario
from netsim.schemes.radio import SharedBand
from netsim.simulation.session import Simulation
from netsim.simulation.state import Payloads
from netsim.stopping import StopRules

ROUNDS_KEY = "num-server-rounds"
"""Where the apps of Flower's templates keep their number of rounds."""
APP_KEY = "flower.app"
MOST_ROUNDS = 10_000_000
"""As many as a scenario may have."""
WITHOUT_APP = {"rounds": MOST_ROUNDS, APP_KEY: None}
NEVER = 2**62
"""Rounds: more than any run has."""


def run(
    server_app: ServerApp,
    client_app: ClientApp,
    scenario: Scenario | str | Path = "quickstart",
    overrides: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    listener: Listener | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> Run:
    """Run Flower apps over a scenario's network; its own `rounds` do not count, the app's do.

    Arguments as of `netsim.run`; `overrides` may have keys of `[flower]`, and `rounds`, which then
    count. `run_config` is what the apps find in their context. Raises InputError for bad input and
    RunError if an app fails; the rounds before that stay readable.
    """
    if APP_KEY in (overrides or {}):
        raise ScenarioError("must not be given: the apps are objects", where=APP_KEY)
    network = load_scenario(scenario, {**WITHOUT_APP, **(overrides or {})})
    apps = Apps(server_app, client_app, dict(run_config or {}))
    record = new_record(network, out, seed)
    return carry_out(record, listener, drive=FlowerDriver(apps).drive)


def app_overrides(app: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides that put the app of a folder on a scenario's network. Raises ScenarioError."""
    other = overrides.get(APP_KEY, app)
    if Path(str(other)).resolve() != app.resolve():
        rule = f"must not be another app than the one that is given, {app}"
        raise ScenarioError(rule, where=APP_KEY, value=other)
    return {"rounds": MOST_ROUNDS, **overrides, APP_KEY: str(app)}


def expected_rounds(scenario: Scenario) -> int:
    """How many rounds the app of a scenario will have, as far as its config tells.

    Raises InputError for an app whose config cannot be read.
    """
    options = scenario.flower
    assert options is not None
    assert options.app is not None
    told_rounds = config_of(options.app, options.run_config).get(ROUNDS_KEY, 0)
    if not isinstance(told_rounds, int) or told_rounds <= 0:
        return scenario.rounds
    per_round = 2 if options.evaluate_on_air else 1
    return min(per_round * told_rounds, scenario.rounds)


@dataclass
class FlowerDriver:
    """Lets the apps of a scenario's `[flower]`, or those given, do what a scheme's loop would."""

    apps: Apps | None = None

    def drive(self, session: Session, pause: Callable[[], None]) -> None:
        """To the end. `pause` is called between rounds. Raises RunError if an app fails."""
        scenario = session.scenario
        options = scenario.flower
        assert options is not None
        simulation = session.simulation
        with ExitStack() as stack:
            apps = self.apps or stack.enter_context(_apps_of(options))
            stack.enter_context(_quiet())
            stack.enter_context(_seeded(scenario.seed))
            rules = simulation.system.stop
            replies = _wire(simulation, apps, options)
            measures = Measures(simulation)
            stack.enter_context(watching(measures))

            def over() -> bool:
                return simulation.course.stop_reason(rules, simulation.now_s) is not None

            exchange = Exchange(
                simulation=simulation,
                replies=replies,
                band=SharedBand(options.bandwidth),
                evaluate_on_air=options.evaluate_on_air,
                evaluate_work=options.evaluate_work,
                over=over,
                pause=_Between(simulation, pause, Pace(scenario.checkpoint_every)),
                listener=simulation.listener,
            )
            nodes = replies.clients.nodes
            run_id = replies.clients.run_id
            grid = RadioGrid(exchange, measures, nodes, FlowerRun.create_empty(run_id))
            _serve(apps, grid, run_id)
            measures.write()
            simulation.tables.sink.close_round(simulation.course.round)
            _end(simulation, rules if over() else StopRules(simulation.course.round))


@dataclass
class _Between:
    """What is done between two rounds: tables are written at the pace of checkpoints.

    They can be looked at meanwhile, and stay if the process is killed. The app's state is its own,
    so the run cannot be gone on with.
    """

    simulation: Simulation
    pause: Callable[[], None]
    pace: Pace

    def __call__(self) -> None:
        self.pause()
        sink = self.simulation.tables.sink
        if isinstance(sink, ParquetSink) and self.pace.due(self.simulation.course.round):
            begun_s = time.monotonic()
            sink.save()
            self.pace.made(begun_s)


def _apps_of(options: FlowerApp) -> Any:
    if options.app is None:
        rule = "must be given: the apps of this scenario were given from Python, or are to be"
        raise ScenarioError(rule, where="scenario: flower.app")
    return apps_of(options.app, options.run_config)


def _wire(simulation: Simulation, apps: Apps, options: FlowerApp) -> Replies:
    """Put messages in the place of modules, and ClientApps in that of the learner; begin."""
    system = simulation.system
    setting = system.setting
    nodes = len(setting.fleet)
    sizes = Sizes(np.zeros(nodes))
    payloads = Payloads(
        bits=sizes.down_bits,
        size_of=sizes,
        down_of=sizes,
        emulated=np.zeros(nodes, dtype=bool),
        foundation_bits=0.0,
    )
    fleet = replace(setting.fleet, label_counts=np.zeros((nodes, 0), dtype=np.int64), held=None)
    simulation.system = replace(
        system,
        setting=replace(setting, payloads=payloads, fleet=fleet),
        stop=StopRules(NEVER),
        evaluate_every=NEVER,
    )
    simulation.tables.system = simulation.system
    if system.roaming is not None:
        system.roaming.foundation_bits = 0.0
    simulation.course = Course.start(nodes)
    simulation.begin()
    clients = Clients(apps, nodes, run_id=system.seed, most_bytes=options.most_bytes)
    return Replies(clients, sizes, always=options.execute == "all")


def _serve(apps: Apps, grid: RadioGrid, run_id: int) -> None:
    """Run the ServerApp. Raises RunError if it fails, InputError if it has no main function."""
    if apps.server._main is None:
        rule = "must have a main function: one with a server_fn talks to each node by itself"
        raise InputError(f"the ServerApp {rule}", where="flower")
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = run_id, grid.nodes, run_id
    context = Context(
        run_id=run_id,
        node_id=grid.nodes,  # the one after the last UE
        node_config={},
        state=RecordDict(),
        run_config=dict(apps.config),
    )
    try:
        apps.server(grid=grid, context=context)
    except RunOver:
        pass
    except NetsimError:
        raise
    except Exception as error:
        raise RunError(f"the ServerApp failed: {told(error)}") from error


def _end(simulation: Simulation, rules: StopRules) -> None:
    """The run is over by these rules."""
    simulation.system = replace(simulation.system, stop=rules)


@contextmanager
def _quiet() -> Iterator[None]:
    """Flower's account of each round is that of the run."""
    logger = logging.getLogger("flwr")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Strategies and apps draw from the process's own generators: they begin alike in each run.

    Of torch only where it is imported already.
    """
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch = sys.modules.get("torch")
    tensors = None if torch is None else torch.random.get_rng_state()
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch is not None:
            torch.random.set_rng_state(tensors)
