"""A sweep folder as polars frames: all runs, response to what was varied, paired differences."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from netsim.errors import DataError, InputError, did_you_mean
from netsim.results.arguments import check_accuracy, check_choice
from netsim.results.card import sweep_card
from netsim.results.damage import naming_damage
from netsim.results.intervals import Method, mean_interval
from netsim.results.metrics import METRICS, TARGET_ACCURACY, headline
from netsim.results.reader import Run
from netsim.results.run_folder import SCENARIO
from netsim.results.sweep_folder import SweepFolder
from netsim.results.sweep_pairs import Row, difference_row, groups, pairs_of_seeds, steps_between
from netsim.results.table_buffer import table_schema

RUN_COLUMNS: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "status": pl.String,
    "error": pl.String,
    "wall_time_s": pl.Float64,
}


@dataclass(frozen=True)
class Sweep:
    """All runs of a study.

    Runs that did not finish have null metrics; tables hold finished runs only.
    """

    path: Path

    def _repr_html_(self) -> str:
        """A card for notebooks."""
        return sweep_card(self.path.name, self.keys, self.runs, note=str(self.path))

    @cached_property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """{id: {"seed": ..., "overrides": {...}}} of all runs."""
        return SweepFolder(self.path).jobs()

    @cached_property
    def keys(self) -> list[str]:
        """Scenario keys that the study varies, by name."""
        varied = set[str]()
        for job in self.jobs.values():
            varied.update(job["overrides"])
        return sorted(varied)

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row per run.

        Columns id, one per varied key, seed, status, error, wall_time_s, METRICS.
        """
        return self.runs_to(TARGET_ACCURACY)

    def runs_to(self, accuracy: float) -> pl.DataFrame:
        """`runs` with time, energy and rounds to another accuracy. Raises InputError."""
        check_accuracy(accuracy)
        if accuracy not in self._measured:
            self._measured[accuracy] = self._measure(accuracy)
        return self._measured[accuracy]

    @cached_property
    def _measured(self) -> dict[float, pl.DataFrame]:
        """{accuracy: runs to it} as far as they were asked for."""
        return {}

    def _measure(self, accuracy: float) -> pl.DataFrame:
        folder = SweepFolder(self.path)
        states = [{"id": job, **folder.metadata(job)} for job in self.jobs]
        status = pl.DataFrame(
            [{c: state.get(c) for c in RUN_COLUMNS} for state in states], RUN_COLUMNS
        )
        done = [state["id"] for state in states if state["status"] == "done"]
        runs = [self.run(job) for job in done]
        with naming_damage(*runs):
            metrics = headline(runs, accuracy)
        metrics = metrics.insert_column(
            0,
            pl.Series(
                "id",
                done,
                dtype=pl.String,
            ),
        )
        frame = self._settings.join(
            status,
            on="id",
            how="left",
        )
        return frame.join(
            metrics,
            on="id",
            how="left",
        ).sort(*self.keys, "seed")

    def run(self, job: str) -> Run:
        """One run by its id."""
        if job not in self.jobs:
            raise DataError(
                "the sweep has no such run",
                where=self.path,
                value=job,
            )
        return Run(SweepFolder(self.path).run_path(job))

    def table(self, name: str) -> pl.LazyFrame:
        """A table of all finished runs, lazily, after columns `run`, the varied keys and seed."""
        settings = {row["id"]: row for row in self._settings.iter_rows(named=True)}
        done = self.runs.filter(col("status") == "done")["id"]
        frames = [self._with_setting(self.run(job).table(name), settings[job]) for job in done]
        if frames:
            return pl.concat(frames)
        nothing = pl.LazyFrame(schema=table_schema(name))
        return self._with_setting(nothing, dict.fromkeys(self._settings.columns))

    def response(
        self,
        metric: str,
        *,
        level: float = 0.95,
        method: Method = "t",
        accuracy: float = TARGET_ACCURACY,
    ) -> pl.DataFrame:
        """Mean of a metric over seeds for every combination of the varied keys.

        `accuracy` is the one that time, energy and rounds to accuracy are measured to.
        Columns: the keys, mean, low, high (of the interval at `level`), seeds (that count),
        missing (runs without a value: not finished, or never reached), interval (how it was made).
        """
        rows = []
        for setting, group in groups(self._valued(metric, accuracy), self.keys):
            known = group["value"].drop_nulls()
            interval = mean_interval(
                known.to_numpy(),
                level=level,
                method=method,
            )
            row = {
                **setting,
                "mean": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "seeds": len(known),
                "missing": len(group) - len(known),
                "interval": f"{100 * level:g}% {method}",
            }
            rows.append(row)
        return _frame(rows)

    def differences(
        self,
        metric: str,
        key: str | None = None,
        *,
        against: Any = None,
        level: float = 0.95,
        method: Method = "t",
        accuracy: float = TARGET_ACCURACY,
    ) -> pl.DataFrame:
        """Effect of changing `key` on a metric, from pairs that share seed and other keys.

        Each value is compared with the one before it in order, or all with the value `against`.
        Columns: the other keys, `from`, `to`, mean, low, high of (to - from), pairs, missing (pairs
        without both values), gain (seeds that independent draws would need, per pair), interval.
        """
        key = key or next(iter(self.keys), "")
        if key not in self.keys:
            varied = ", ".join(self.keys) or "nothing"
            rule = f"the sweep varies {varied}{did_you_mean(key, self.keys)}"
            raise InputError(rule, where="key", value=key)
        valued = self._valued(metric, accuracy)
        values = valued[key].unique().sort().to_list()
        if against is not None and against not in values:
            raise InputError(
                f"must be one of {values}",
                where="against",
                value=against,
            )
        others = [k for k in self.keys if k != key]
        rows = []
        for setting, group in groups(valued, others):
            for before, after in steps_between(group[key].unique().sort().to_list(), against):
                pairs = pairs_of_seeds(group, key, before, after)
                if len(pairs):
                    row = {
                        **setting,
                        "from": before,
                        "to": after,
                    }
                    rows.append(row | difference_row(pairs, level, method))
        return _frame(rows)

    @cached_property
    def _settings(self) -> pl.DataFrame:
        """id, varied keys, seed. A key that a job does not set has the value of its scenario."""
        columns: dict[str, list[Any]] = {"id": list(self.jobs)}
        for key in self.keys:
            columns[key] = [self._value(job, key) for job in self.jobs]
        columns["seed"] = [job["seed"] for job in self.jobs.values()]
        return pl.DataFrame([_column(name, values) for name, values in columns.items()])

    def _value(self, job: str, key: str) -> Any:
        """The value of a varied key in a job, as a cell can hold it."""
        overrides = self.jobs[job]["overrides"]
        value = overrides[key] if key in overrides else self._scenario_value(job, key)
        return json.dumps(value) if isinstance(value, list | dict) else value

    def _scenario_value(self, job: str, key: str) -> Any:
        own = SweepFolder(self.path).run_path(job) / SCENARIO
        node: Any = _toml(own) or _toml(self.path / SCENARIO)
        for part in key.split("."):
            try:
                node = node[int(part)] if isinstance(node, list) else node[part]
            except (LookupError, TypeError, ValueError):
                return None
        return node

    def _with_setting(self, rows: pl.LazyFrame, setting: Row) -> pl.LazyFrame:
        """A run's rows after the columns that say which run it is."""
        told = []
        for name, dtype in self._settings.schema.items():
            shown = "run" if name == "id" else name
            told.append(pl.lit(setting[name], dtype=dtype).alias(shown))
        return rows.select(
            *told,
            pl.all(),
        )

    def _valued(self, metric: str, accuracy: float) -> pl.DataFrame:
        """id, varied keys, seed, value."""
        check_choice("metric", metric, METRICS)
        value = col(metric).cast(pl.Float64).alias("value")
        return self.runs_to(accuracy).select(
            "id",
            *self.keys,
            "seed",
            value,
        )


def open_sweep(path: str | Path) -> Sweep:
    """Open a sweep folder. Raises DataError if it is none."""
    SweepFolder(Path(path)).check()
    return Sweep(Path(path))


def _frame(rows: list[Row]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(col(pl.Float64).fill_nan(None))


def _column(name: str, values: list[Any]) -> pl.Series:
    """Numbers, truth values or text; text where they are mixed."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pl.Series(
            name,
            values,
            dtype=pl.Float64,
            strict=False,
        )
    long = any(isinstance(value, int) and abs(value) >= 2**63 for value in values)
    if len(kinds) > 1 or long:
        return pl.Series(name, [_as_text(value) for value in values])
    return pl.Series(name, values)


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
