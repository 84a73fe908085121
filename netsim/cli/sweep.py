"""`netsim sweep`: a grid of runs to one folder, and what it says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from netsim.results.sweep import Sweep
    from netsim.sweep.job import Outcome
    from netsim.sweep.study import Study

SHOWN = {
    "accuracy": "accuracy",
    "time_to_accuracy_s": "to 0.8, s",
    "upload_p50_s": "upload p50, s",
    "upload_p95_s": "upload p95, s",
    "on_time_share": "on time",
    "outage_share": "outage",
    "energy_j": "energy, J",
    "handovers": "handovers",
}
PLAIN_EVERY_S = 10.0


def sweep(
    scenario: Annotated[str, typer.Argument(help="Scenario file or bundled name.")] = "quickstart",
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="a.b=v1,v2,...",
            help="Values of a key; repeatable, all combinations run.",
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="0:8 is 0 to 7; or 1,5,9. Default: the scenario's own seed.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key in all runs; repeatable."),
    ] = None,
    network_only: Annotated[
        bool,
        typer.Option("--network-only", help="Timing and energy without learning; loads no torch."),
    ] = False,
    backend: Annotated[
        str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")
    ] = "local",
    jobs: Annotated[
        int | None, typer.Option(help="Runs at once. Default: as many as cores.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster, as ray.init takes it.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Sweep folder: new, or one to go on with. Default: under runs/."),
    ] = None,
) -> None:
    """Run a scenario for every combination of values and seeds; what is finished is not run again.

    A run that was interrupted goes on from its last checkpoint.
    """
    from netsim.cli.console import console
    from netsim.results.sweep import open_sweep
    from netsim.scenario.load import parse_override
    from netsim.sweep.grid import parse_over, parse_seeds
    from netsim.sweep.study import open_study

    fixed = dict(parse_override(text) for text in set_ or [])
    if network_only:
        fixed["network_only"] = True
    study = open_study(
        scenario,
        dict(parse_over(text) for text in over or []),
        None if seeds is None else parse_seeds(seeds),
        fixed=fixed,
        out=out,
    )
    screen = console()
    screen.print(f"sweep folder: {study.folder.path}", markup=False)
    with StudyProgress(screen, study) as progress:
        try:
            study.run(progress, backend=backend, at_once=jobs, address=address)
        except KeyboardInterrupt:
            progress.stop()
            screen.print(
                f"interrupted; {len(study.todo)} of {len(study.jobs)} runs are to do: "
                "the same command goes on",
                markup=False,
            )
            raise
    found = open_sweep(study.folder.path)
    _print_response(found, screen)
    _print_differences(found, screen)
    _print_ends(study, screen)
    if study.failed:
        raise typer.Exit(1)


class StudyProgress:
    """A live bar on a terminal, plain lines elsewhere."""

    def __init__(self, out: Console, study: Study) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._out = out
        self._total, self._before = len(study.jobs), len(study.jobs) - len(study.todo)
        self._ended = self._failed = 0
        self._moving: dict[str, float] = {}
        self._begun = self._said = time.monotonic()
        self._bar: Progress | None = None
        if out.is_terminal:
            self._bar = Progress(
                TextColumn("{task.fields[facts]}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("to go"),
                TimeRemainingColumn(),
                console=out,
            )
            self._task = self._bar.add_task(
                "",
                total=self._total,
                completed=self._before,
                facts=self._facts(),
            )

    def __enter__(self) -> StudyProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def run_moved(self, job: str, fraction: float) -> None:
        """This much of a run's rounds is over."""
        self._moving[job] = fraction
        self._show()

    def run_ended(self, outcome: Outcome) -> None:
        """A run is over."""
        self._moving.pop(outcome.id, None)
        self._ended += 1
        self._failed += outcome.status == "failed"
        if outcome.status == "failed":
            self._out.print(f"failed: {outcome.id}: {outcome.error}", markup=False)
        self._show(last=self._before + self._ended == self._total)

    def _show(self, *, last: bool = False) -> None:
        moved = self._ended + sum(self._moving.values())
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=self._before + moved,
                facts=self._facts(),
            )
        elif last or time.monotonic() - self._said >= PLAIN_EVERY_S:
            from netsim.cli.console import seconds

            self._said = time.monotonic()
            spent = self._said - self._begun
            left = (
                ""
                if last or not moved
                else (f"  to go {seconds(spent / moved * (self._total - self._before - moved))}")
            )
            self._out.print(f"{self._facts()}  {seconds(spent)}{left}", markup=False)

    def _facts(self) -> str:
        text = f"runs {self._before + self._ended}/{self._total}"
        if self._before:
            text += f", {self._before} done before"
        if self._moving:
            text += f", {len(self._moving)} running"
        return text + (f", {self._failed} failed" if self._failed else "")


def _print_response(found: Sweep, out: Console) -> None:
    """Mean and half of the 95% interval of each headline metric, for every combination."""
    from netsim.cli.console import print_table

    metrics = _known(found)
    columns = {metric: found.response(metric) for metric in metrics}
    if not columns:
        return
    rows = []
    for index, setting in enumerate(columns[metrics[0]].iter_rows(named=True)):
        row = [_text(setting[key]) for key in found.keys]
        runs = [columns[m].row(index, named=True) for m in metrics]
        row.append(str(max(r["seeds"] for r in runs)))
        for cell in runs:
            missing = f" ({cell['missing']} without)" if cell["missing"] and cell["seeds"] else ""
            row.append(
                _estimate(
                    cell["mean"],
                    cell["low"],
                    cell["high"],
                )
                + missing
            )
        rows.append(row)
    headers = [*found.keys, "runs", *[SHOWN[m] for m in metrics]]
    print_table(
        headers,
        rows,
        title="Means over seeds ± half of the 95% t-interval",
        out=out,
        right=range(len(found.keys), len(headers)),
    )


def _print_differences(found: Sweep, out: Console) -> None:
    """What each step of each key does, from pairs of the same seed."""
    from netsim.cli.console import print_table

    metrics = _known(found)
    if found.runs["seed"].n_unique() < 2:
        return
    for key in found.keys:
        columns = {metric: found.differences(metric, key) for metric in metrics}
        columns = {metric: frame for metric, frame in columns.items() if len(frame)}
        if not columns:
            continue
        first = next(iter(columns.values()))
        others = [k for k in found.keys if k != key]
        rows = []
        for index, step in enumerate(first.iter_rows(named=True)):
            row = [
                *[_text(step[k]) for k in others],
                f"{_text(step['from'])} -> {_text(step['to'])}",
            ]
            cells = [columns[m].row(index, named=True) for m in columns]
            row.append(str(max(c["pairs"] for c in cells)))
            for cell in cells:
                missing = (
                    f" ({cell['missing']} without)" if cell["missing"] and cell["pairs"] else ""
                )
                row.append(
                    _estimate(
                        cell["mean"],
                        cell["low"],
                        cell["high"],
                        signed=True,
                    )
                    + missing
                )
            rows.append(row)
        headers = [*others, key, "pairs", *[SHOWN[m] for m in columns]]
        print_table(
            headers,
            rows,
            title=f"Steps of {key}: paired differences ± half of the 95% t-interval",
            out=out,
            right=range(len(others) + 1, len(headers)),
        )


def _print_ends(study: Study, out: Console) -> None:
    elsewhere = sum(outcome.status == "elsewhere" for outcome in study.outcomes)
    done = sum(outcome.status == "done" for outcome in study.outcomes)
    before = len(study.jobs) - len(study.outcomes)
    text = (
        f"{len(study.jobs)} runs: {done} done now, {before} done before, {len(study.failed)} failed"
    )
    out.print(
        text + (f", {elsewhere} at work in another process" if elsewhere else ""), markup=False
    )
    for outcome in study.failed:
        out.print(f"failed: {study.folder.run_path(outcome.id)}: {outcome.error}", markup=False)


def _known(found: Sweep) -> list[str]:
    """Metrics that at least one run has."""
    return [
        m
        for m in SHOWN
        if found.runs[m].null_count() < len(found.runs)
        and not (m == "handovers" and not found.runs[m].sum())
    ]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _estimate(
    mean: float | None,
    low: float | None,
    high: float | None,
    *,
    signed: bool = False,
) -> str:
    if mean is None:
        return ""
    sign = "+" if signed else ""
    if low is None or high is None:
        return f"{mean:{sign}.4g}"
    return f"{mean:{sign}.4g} ± {(high - low) / 2:.2g}"
