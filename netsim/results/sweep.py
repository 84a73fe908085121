"""A sweep folder as polars frames: all runs, response to what was varied, paired differences."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from netsim.errors import DataError, InputError
from netsim.results.intervals import Method, coupling_gain, mean_interval
from netsim.results.metrics import METRICS, TARGET_ACCURACY, headline
from netsim.results.reader import Run
from netsim.results.run_folder import SCENARIO
from netsim.results.sweep_folder import SweepFolder


@dataclass(frozen=True)
class Sweep:
    """What a study left. Runs that did not finish have null metrics; tables hold finished runs
    only.
    """

    path: Path

    @cached_property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """{id: {"seed": ..., "overrides": {...}}} of all runs."""
        return SweepFolder(self.path).jobs()

    @cached_property
    def keys(self) -> list[str]:
        """Scenario keys that the study varies, by name."""
        return sorted({key for job in self.jobs.values() for key in job["overrides"]})

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row per run: id, a column per varied key, seed, status, error, wall_time_s,
        METRICS.
        """
        return self.runs_to(TARGET_ACCURACY)

    def runs_to(self, accuracy: float) -> pl.DataFrame:
        """`runs` with `time_to_accuracy_s` for another accuracy."""
        folder = SweepFolder(self.path)
        found = {job: folder.metadata(job) for job in self.jobs}
        head = pl.DataFrame(
            {
                "id": list(found),
                "status": [m["status"] for m in found.values()],
                "error": [m.get("error") for m in found.values()],
                "wall_time_s": [m.get("wall_time_s") for m in found.values()],
            },
            schema={
                "id": pl.String,
                "status": pl.String,
                "error": pl.String,
                "wall_time_s": pl.Float64,
            },
        )
        done = [job for job, metadata in found.items() if metadata["status"] == "done"]
        rows = headline([self.run(job) for job in done], accuracy).insert_column(
            0, pl.Series("id", done, dtype=pl.String)
        )
        frame = self._settings.join(head, on="id", how="left").join(rows, on="id", how="left")
        return frame.sort(*self.keys, "seed")

    def run(self, job: str) -> Run:
        """One run by its id."""
        if job not in self.jobs:
            raise DataError("the sweep has no such run", where=self.path, value=job)
        return Run(SweepFolder(self.path).run_path(job))

    def table(self, name: str) -> pl.LazyFrame:
        """A table of all finished runs, lazily; in front the run's id, varied keys and seed."""
        done = self.runs.filter(pl.col("status") == "done")["id"].to_list()
        settings = {row["id"]: row for row in self._settings.iter_rows(named=True)}
        frames = []
        for job in done:
            told = [
                pl.lit(settings[job][c], dtype=self._settings.schema[c]).alias(
                    "run" if c == "id" else c
                )
                for c in self._settings.columns
            ]
            frames.append(self.run(job).table(name).select(*told, pl.all()))
        if frames:
            return pl.concat(frames)
        told = [
            pl.lit(None, dtype=t).alias("run" if c == "id" else c)
            for c, t in self._settings.schema.items()
        ]
        return Run(self.path).table(name).select(*told, pl.all())

    def response(self, metric: str, *, level: float = 0.95, method: Method = "t") -> pl.DataFrame:
        """Mean of a metric over seeds for every combination of the varied keys.

        Columns: the keys, mean, low, high (of the interval at `level`), seeds (that count),
        missing (runs without a value: not finished, or never reached), interval (how it was made).
        """
        rows = []
        for setting, group in self._groups(self._valued(metric), self.keys):
            known = group["value"].drop_nulls()
            interval = mean_interval(known.to_numpy(), level=level, method=method)
            rows.append(
                {
                    **setting,
                    "mean": interval.mean,
                    "low": interval.low,
                    "high": interval.high,
                    "seeds": len(known),
                    "missing": len(group) - len(known),
                    "interval": f"{100 * level:g}% {method}",
                }
            )
        return self._frame(rows)

    def differences(
        self,
        metric: str,
        key: str | None = None,
        *,
        against: Any = None,
        level: float = 0.95,
        method: Method = "t",
    ) -> pl.DataFrame:
        """What changing `key` does to a metric, from pairs of runs with the same seed and other
        keys.

        Each value is compared with the one before it in order, or all with the value `against`.
        Columns: the other keys, `from`, `to`, mean, low, high of (to - from), pairs, missing (pairs
        without both values), gain (seeds that independent draws would need, per pair), interval.
        """
        key = key or next(iter(self.keys), "")
        if key not in self.keys:
            raise InputError(
                f"the sweep varies {', '.join(self.keys) or 'nothing'}", where="key", value=key
            )
        valued = self._valued(metric)
        values = valued[key].unique().sort().to_list()
        if against is not None and against not in values:
            raise InputError(f"must be one of {values}", where="against", value=against)
        steps = (
            list(pairwise(values))
            if against is None
            else [(against, value) for value in values if value != against]
        )
        others = [k for k in self.keys if k != key]
        rows = []
        for setting, group in self._groups(valued, others):
            for before, after in steps:
                left = group.filter(pl.col(key) == before).select(
                    "seed", pl.col("value").alias("x")
                )
                right = group.filter(pl.col(key) == after).select(
                    "seed", pl.col("value").alias("y")
                )
                pairs = left.join(right, on="seed").sort("seed")
                if not len(pairs):
                    continue
                known = pairs.drop_nulls()
                x, y = known["x"].to_numpy(), known["y"].to_numpy()
                interval = mean_interval(y - x, level=level, method=method)
                rows.append(
                    {
                        **setting,
                        "from": before,
                        "to": after,
                        "mean": interval.mean,
                        "low": interval.low,
                        "high": interval.high,
                        "pairs": len(known),
                        "missing": len(pairs) - len(known),
                        "gain": coupling_gain(x, y),
                        "interval": f"{100 * level:g}% {method}",
                    }
                )
        return self._frame(rows)

    @cached_property
    def _settings(self) -> pl.DataFrame:
        """id, varied keys, seed. A key that a job does not set has the value of its scenario."""
        columns: dict[str, list[Any]] = {"id": list(self.jobs)}
        for key in self.keys:
            columns[key] = [
                _cell(
                    job["overrides"][key]
                    if key in job["overrides"]
                    else self._scenario_value(name, key)
                )
                for name, job in self.jobs.items()
            ]
        columns["seed"] = [job["seed"] for job in self.jobs.values()]
        return pl.DataFrame([_column(name, values) for name, values in columns.items()])

    def _scenario_value(self, job: str, key: str) -> Any:
        node: Any = _toml(SweepFolder(self.path).run_path(job) / SCENARIO) or _toml(
            self.path / SCENARIO
        )
        for part in key.split("."):
            try:
                node = node[int(part)] if isinstance(node, list) else node[part]
            except (LookupError, TypeError, ValueError):
                return None
        return node

    def _valued(self, metric: str) -> pl.DataFrame:
        """id, varied keys, seed, value."""
        if metric not in METRICS:
            raise InputError(f"must be one of {', '.join(METRICS)}", where="metric", value=metric)
        return self.runs.select(
            "id", *self.keys, "seed", pl.col(metric).cast(pl.Float64).alias("value")
        )

    def _groups(
        self, frame: pl.DataFrame, by: list[str]
    ) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
        groups: Iterable[tuple[tuple[Any, ...], pl.DataFrame]] = (
            frame.group_by(by, maintain_order=True) if by else [((), frame)]
        )
        for values, group in groups:
            yield dict(zip(by, values, strict=True)), group

    def _frame(self, rows: list[dict[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame(rows, infer_schema_length=None).with_columns(
            pl.col(pl.Float64).fill_nan(None)
        )


def open_sweep(path: str | Path) -> Sweep:
    """Open a sweep folder. Raises DataError if it is none."""
    SweepFolder(Path(path)).check()
    return Sweep(Path(path))


def _cell(value: Any) -> Any:
    """What a cell can hold: lists and tables as JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _column(name: str, values: list[Any]) -> pl.Series:
    """Numbers, truth values or text; text where they are mixed."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1:
        values = [
            value if value is None or isinstance(value, str) else json.dumps(value)
            for value in values
        ]
    return pl.Series(name, values)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
