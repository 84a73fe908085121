"""Tables in generated dialects: what is read is right to the last digit, or the file is refused.

`python tests/traces/test_dialects.py 2000` tries so many of each kind; CI tries few.
"""

from __future__ import annotations

import csv
import io
import random
import re
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.learning.data.column_options import parse_data_columns
from netsim.learning.data.datasets import load_path
from netsim.topology.files import read_sites
from netsim.traces import open_trace

FEW = 40
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
ENCODINGS = {
    "utf-8": "",
    "utf-8-sig": "",
    "utf-16": "",
    "cp1252": "windows-1252",
    "latin-1": "latin-1",
}
NAMES = (
    "a",
    "bus 7",
    "van, red",
    "Zoë",
    "x;y",
    'say "hi"',
    "17",
    "tab\tname",
    "é|è",
    "-1",
    "O'Neil",
    "#5",
)


@dataclass
class Table:
    """A generated table, and what must be read from it."""

    header: list[str]
    rows: list[list[str]]
    truth: list[tuple[float | str, ...]]
    options: dict[str, str] = field(default_factory=dict)  # role -> what is said of it
    is_wrong: bool = False  # a cell holds nonsense: the file must be refused
    has_header: bool = True


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    separator: str
    quoting: int
    encoding: str
    decimal: str
    line_end: str
    blank_lines: int
    comment: bool

    def encode(self, table: Table) -> bytes:
        """The bytes of the file."""
        buffer = io.StringIO()
        if self.comment:
            buffer.write(f"# made up{self.line_end}")
        writer = csv.writer(
            buffer,
            delimiter=self.separator,
            quoting=self.quoting,  # type: ignore[arg-type]
            lineterminator=self.line_end,
        )
        if table.has_header:
            writer.writerow(table.header)
        writer.writerows(table.rows)
        buffer.write(self.line_end * self.blank_lines)
        return buffer.getvalue().encode(self.encoding, "replace")


def dialect(draw: random.Random) -> Dialect:
    separator = draw.choice(list(SEPARATORS))
    decimal = draw.choice((".", ".", ",")) if separator != "," else "."
    return Dialect(
        separator=separator,
        quoting=draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)),
        encoding=draw.choice(list(ENCODINGS)),
        decimal=decimal,
        line_end=draw.choice(("\n", "\n", "\r\n")),
        blank_lines=draw.choice((0, 0, 1, 3)),
        comment=draw.random() < 0.1,
    )


def number(value: float, how: Dialect, draw: random.Random) -> str:
    text = draw.choice((repr(value), f"{value:.6f}", f"{value:.9g}", f"{value:+.7f}"))
    if draw.random() < 0.05:
        text = f"{value:.8e}"
    return text.replace(".", how.decimal)


# -- times -----------------------------------------------------------------------------------------

Times = tuple[list[str], list[float], str, str]
"""Texts, seconds from the first or of the trace, header, what must be said."""
BEGIN = datetime(2024, 11, 27, 21, 58, 3, tzinfo=UTC)
DATES = {
    "%Y-%m-%d %H:%M:%S": "",
    "%Y-%m-%dT%H:%M:%SZ": "",
    "%Y/%m/%d %H:%M:%S": "",
    "%Y.%m.%d_%H.%M.%S": "",
    "%d/%m/%Y %H:%M:%S": "day_first",
    "%m/%d/%Y %H:%M:%S": "month_first",
    "%d.%m.%Y %H:%M:%S": "day_first",
    "%d-%m-%Y %H:%M:%S": "day_first",
    "%Y%m%d%H%M%S": "",
    "%d %b %Y %H:%M:%S": "",
    "%m/%d/%Y %I:%M:%S %p": "month_first",
    "%Y-%m-%d %H:%M:%S+00:00": "",
    "%Y-%m-%d %H:%M:%S UTC": "",
}
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}


def times(count: int, how: Dialect, draw: random.Random) -> Times:
    step = draw.choice((1, 2, 30, 60))
    offsets = [step * k for k in range(count)]
    kind = draw.choice(("date", "date", "unix", "number", "clock"))
    if kind == "date":
        form = draw.choice(list(DATES))
        begin = BEGIN + timedelta(days=draw.randrange(400))
        moments = [(begin + timedelta(seconds=offset)).strftime(form) for offset in offsets]
        said = DATES[form] if draw.random() < 0.7 else ""
        header = draw.choice(("time", "Timestamp", "datetime", "Date Time", "recorded_at"))
        return moments, list(map(float, offsets)), header, said
    if kind == "unix":
        power = draw.choice((0, 3, 6, 9))
        texts = [str((1_700_000_000 + offset) * 10**power) for offset in offsets]
        return texts, list(map(float, offsets)), draw.choice(("unix", "timestamp", "epoch")), ""
    if kind == "clock":
        hour = draw.randrange(20)
        texts = [f"{hour + o // 3600:02d}:{o % 3600 // 60:02d}:{o % 60:02d}" for o in offsets]
        return texts, [float(3600 * hour + o) for o in offsets], "time", ""
    unit = draw.choice(list(UNITS))
    values = [offset / UNITS[unit] for offset in offsets]
    texts = [repr(value).replace(".", how.decimal) for value in values]
    if unit == "s" and draw.random() < 0.5:
        return texts, list(map(float, offsets)), draw.choice(("time", "t", "time_s")), ""
    header = draw.choice((f"time ({unit})", f"time_{unit}", f"Time [{unit}]", "time"))
    return texts, list(map(float, offsets)), header, unit if header == "time" else ""


# -- tables of the readers -------------------------------------------------------------------------


def names_of(draw: random.Random, count: int, how: Dialect) -> list[str]:
    """Names that the encoding can hold and that quotes can carry."""
    known = [name for name in NAMES if _holds(name, how)]
    return draw.sample(known, count)


def _holds(name: str, how: Dialect) -> bool:
    if name.encode(how.encoding, "replace").decode(how.encoding) != name:
        return False
    return not name.startswith("#")  # a comment, where it is the first cell


def shuffled(
    columns: list[tuple[str, list[str]]], draw: random.Random
) -> tuple[list[str], list[list[str]]]:
    """Header and rows of columns in some order, with a column that means nothing."""
    count = len(columns[0][1])
    extra = [("remark", [draw.choice(("ok", "", "slow")) for _ in range(count)])]
    every = columns + (extra if draw.random() < 0.5 else [])
    draw.shuffle(every)
    rows = [list(cells) for cells in zip(*(cells for _, cells in every), strict=True)]
    return [name for name, _ in every], rows


METRES = {"m": 1.0, "km": 1e3, "ft": 0.3048}
SPEEDS = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "knots": 1852 / 3600}
RATES = {"bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6, "kB/s": 8e3, "Mbps": 1e6, "bytes/s": 8.0}


def mobility_table(how: Dialect, draw: random.Random) -> Table:
    nodes = names_of(draw, draw.randrange(1, 4), how)
    samples = draw.randrange(2, 6)
    texts, seconds, time_header, said = times(samples, how, draw)
    geo = draw.random() < 0.5
    unit = "deg" if geo else draw.choice(list(METRES))
    factor = 1.0 if geo else METRES[unit]
    x_name, y_name = ("lon", "lat") if geo else ("x", "y")
    axes = draw.choice(
        (
            (x_name, y_name),
            (x_name.upper(), y_name.upper()),
            (f"{x_name} ({unit})", f"{y_name} [{unit}]"),
        )
    )
    if geo:
        axes = draw.choice(
            (("longitude", "latitude"), ("lng", "lat"), ("Longitude (deg)", "Latitude (deg)"))
        )
    in_header = "(" in axes[0]
    options = {} if geo or in_header or unit == "m" else {"x": unit, "y": unit}
    columns: dict[str, list[str]] = {"time": [], "node": [], "x": [], "y": []}
    truth = []
    for node in nodes:
        x0 = draw.uniform(7, 9) if geo else draw.uniform(-500, 500)
        y0 = draw.uniform(45, 55) if geo else draw.uniform(-500, 500)
        for text, second in zip(texts, seconds, strict=True):
            x0 += draw.uniform(-1, 1) * (1e-4 if geo else 10)
            y0 += draw.uniform(-1, 1) * (1e-4 if geo else 10)
            x_text, y_text = number(x0, how, draw), number(y0, how, draw)
            columns["time"].append(text)
            columns["node"].append(node)
            columns["x"].append(x_text)
            columns["y"].append(y_text)
            x = float(x_text.replace(how.decimal, ".")) * factor
            y = float(y_text.replace(how.decimal, ".")) * factor
            truth.append((second, node, x, y))
    if said:
        options["time"] = said
    speeds = _speeds(len(truth), how, draw)
    truth = [
        (*place, speed)
        for place, speed in zip(truth, speeds.values if speeds else [""] * len(truth), strict=True)
    ]
    truth = _with_gaps(columns["x"], columns["y"], truth, draw)
    is_wrong = draw.random() < 0.1
    if is_wrong:
        columns["x"][draw.randrange(len(columns["x"]))] = draw.choice(NONSENSE)
    named = [
        (time_header, columns["time"]),
        (draw.choice(("id", "Vehicle ID", "node", "user", "trackId")), columns["node"]),
        (axes[0], columns["x"]),
        (axes[1], columns["y"]),
    ]
    if speeds:
        named.append((speeds.header, speeds.texts))
    header, rows = shuffled(named, draw)
    has_header = draw.random() < 0.85
    if not has_header:
        options = _by_number(header, named, geo=geo, unit=unit, time=said or _unit(time_header))
    if speeds and (speeds.said or not has_header):
        column = "" if has_header else f"{header.index(speeds.header) + 1}:"
        options["speed"] = f"{column}{speeds.unit}"
    return Table(header, rows, truth, options, is_wrong, has_header)


@dataclass(frozen=True)
class Speeds:
    """A column of speeds; its unit stands in the header or must be said."""

    header: str
    texts: list[str]
    values: list[float]  # m/s
    unit: str
    said: bool


def _speeds(count: int, how: Dialect, draw: random.Random) -> Speeds | None:
    if draw.random() < 0.5:
        return None
    unit = draw.choice(list(SPEEDS))
    said = draw.random() < 0.5
    texts = [number(draw.uniform(0, 60), how, draw) for _ in range(count)]
    values = [float(text.replace(how.decimal, ".")) * SPEEDS[unit] for text in texts]
    base = draw.choice(("speed", "Velocity", "SPEED"))
    return Speeds(base if said else f"{base} ({unit})", texts, values, unit, said)


NONSENSE = ("12 m", "1.2.3", "here", "1e", "--5", "0x1F", "inf", "1_000")
MISSING = ("", "-", "NaN", "nan", "NA", "null", "?")


def _with_gaps(
    x: list[str], y: list[str], truth: list[tuple[float | str, ...]], draw: random.Random
) -> list[tuple[float | str, ...]]:
    """Take some places away; what must be read then."""
    if draw.random() < 0.7 or len(truth) < 4:
        return truth
    gone = set(draw.sample(range(len(truth)), len(truth) // 3))
    for row in gone:
        x[row] = draw.choice(MISSING)
        if draw.random() < 0.5:
            y[row] = draw.choice(MISSING)
    return [values for row, values in enumerate(truth) if row not in gone]


def _unit(header: str) -> str:
    """The unit of time that a header names."""
    found = re.search(r"(ms|us|ns|min|h|s)[)\]]?$", header)
    plain = header in ("timestamp", "Timestamp", "epoch", "unix", "t", "datetime", "time")
    return found[1] if found and not plain and re.match(r"[Tt]ime[ _]", header) else ""


def _by_number(
    header: list[str], named: list[tuple[str, list[str]]], *, geo: bool, unit: str, time: str
) -> dict[str, str]:
    """Options that say what the columns of a file without a header are."""
    roles = ("time", "node", *(("lon", "lat") if geo else ("x", "y")))
    said = dict(zip(roles, (name for name, _ in named), strict=False))
    options = {role: str(header.index(name) + 1) for role, name in said.items()}
    if time:
        options["time"] += f":{time}"
    if not geo:
        options |= {role: f"{options[role]}:{unit}" for role in ("x", "y")}
    return options


def rate_table(how: Dialect, draw: random.Random) -> Table:
    samples = draw.randrange(2, 8)
    texts, seconds, time_header, said = times(samples, how, draw)
    unit = draw.choice(list(RATES))
    base = draw.choice(("rate", "throughput", "bitrate", "Throughput"))
    in_header = draw.random() < 0.7
    header = draw.choice((f"{base} ({unit})", f"{base}[{unit}]")) if in_header else base
    rate_texts = [number(draw.uniform(0, 900), how, draw) for _ in range(samples)]
    options = {} if in_header else {"rate": unit}
    if said:
        options["time"] = said
    values = [float(text.replace(how.decimal, ".")) * RATES[unit] for text in rate_texts]
    truth = [(second, value) for second, value in zip(seconds, values, strict=True)]
    names, rows = shuffled([(time_header, texts), (header, rate_texts)], draw)
    return Table(names, rows, truth, options)


def channel_table(how: Dialect, draw: random.Random) -> Table:
    """SNR, or gains as gains or path losses, of two UEs."""
    samples = draw.randrange(2, 6)
    texts, seconds, time_header, said = times(samples, how, draw)
    header, factor = draw.choice(
        (("snr_db", 1.0), ("SNR (dB)", 1.0), ("sinr", 1.0), ("Gain (dB)", 1.0), ("path_loss", -1.0))
    )
    columns: dict[str, list[str]] = {"time": [], "ue": [], "gnb": [], "value": []}
    truth: list[tuple[float | str, ...]] = []
    for ue in names_of(draw, 2, how):
        for text, second in zip(texts, seconds, strict=True):
            value = number(draw.uniform(-120, 40), how, draw)
            columns["time"].append(text)
            columns["ue"].append(ue)
            columns["gnb"].append("cell 1")
            columns["value"].append(value)
            truth.append((second, ue, factor * float(value.replace(how.decimal, "."))))
    options = {"time": said} if said else {}
    is_wrong = draw.random() < 0.1
    if is_wrong:
        columns["value"][draw.randrange(len(truth))] = draw.choice(NONSENSE)
    named = [
        (time_header, columns["time"]),
        (draw.choice(("ue", "UE_ID", "imsi")), columns["ue"]),
        (draw.choice(("gnb", "CellID", "cell")), columns["gnb"]),
        (header, columns["value"]),
    ]
    names, rows = shuffled(named, draw)
    return Table(names, rows, truth, options, is_wrong)


def site_table(how: Dialect, draw: random.Random) -> Table:
    count = draw.randrange(2, 7)
    names = names_of(draw, count, how)
    places = [(draw.uniform(-9e3, 9e3), draw.uniform(-9e3, 9e3)) for _ in range(count)]
    x_texts = [number(x, how, draw) for x, _ in places]
    y_texts = [number(y, how, draw) for _, y in places]
    header = draw.choice((("x_m", "y_m"), ("x", "y"), ("Easting", "Northing"), ("X [m]", "Y [m]")))
    name = draw.choice(("site", "id", "Name", "station"))
    columns = [(name, names), (header[0], x_texts), (header[1], y_texts)]
    truth = []
    for site, x, y in zip(names, x_texts, y_texts, strict=True):
        truth.append((site, float(x.replace(how.decimal, ".")), float(y.replace(how.decimal, "."))))
    shown, rows = shuffled(columns, draw)
    return Table(shown, rows, truth)


def text_table(how: Dialect, draw: random.Random) -> Table:
    labels = draw.choice((("0", "1"), ("no", "yes"), ("1", "2", "3")))
    count = draw.randrange(20, 40)
    texts = [f"{draw.choice(names_of(draw, 3, how))} says {k}" for k in range(count)]
    given = [draw.choice(labels) for _ in range(count)]
    for k, label in enumerate(labels):  # each class occurs, in the part that is kept, too
        for more in range(6):
            given[(k + len(labels) * more) % count] = label
    columns = [
        (draw.choice(("text", "Sentence", "review")), texts),
        (draw.choice(("label", "Class")), given),
    ]
    header, rows = shuffled(columns, draw)
    return Table(header, rows, sorted(zip(texts, given, strict=True)))


# -- readers ---------------------------------------------------------------------------------------


def option(table: Table, how: Dialect, draw: random.Random) -> str:
    """What a careful user says: what cannot be seen, and now and then what could."""
    entries = [f"{role}={value}" for role, value in table.options.items()]
    if not table.has_header:
        entries.append("header=no")
    if ENCODINGS[how.encoding] and draw.random() < 0.8:
        entries.append(f"encoding={ENCODINGS[how.encoding]}")
    if how.decimal == "," and draw.random() < 0.5:
        entries.append("decimal=comma")
    if draw.random() < 0.2:
        entries.append(f"separator={SEPARATORS[how.separator]}")
    return ",".join(entries)


def read_twice(path: Path, columns: str, table: str) -> pl.DataFrame:
    """The table; the option that `netsim trace inspect` prints must read the same."""
    trace = open_trace(path, columns=columns)
    found = trace.table(table).collect()
    kind, said = shlex.split(trace.reading)
    options = {"columns": said} if kind == "--columns" else {"format": said}
    again = open_trace(path, options.get("format"), columns=options.get("columns", ""))
    assert again.table(table).collect().equals(found), f"{path}: {trace.reading} reads otherwise"
    return found


def read_mobility(path: Path, columns: str) -> list[tuple[float | str, ...]]:
    table = read_twice(path, columns, "mobility")
    places = ("lon", "lat") if "lat" in table.columns else ("x_m", "y_m")
    speed = "speed_m_s" if "speed_m_s" in table.columns else pl.lit("")
    return table.select("time_s", "node", *places, speed).rows()


def read_rates(path: Path, columns: str) -> list[tuple[float | str, ...]]:
    table = read_twice(path, columns, "throughput")
    return table.select("time_s", "rate_bps").rows()


def read_channels(path: Path, columns: str) -> list[tuple[float | str, ...]]:
    table = read_twice(path, columns, "channel")
    value = "gain_db" if "gain_db" in table.columns else "snr_db"
    return table.select("time_s", "ue", value).rows()


def read_places(path: Path, columns: str) -> list[tuple[float | str, ...]]:
    graph = read_sites(path, columns=columns)
    return [(str(name), data["x_m"], data["y_m"]) for name, data in graph.nodes(data=True)]


def read_texts(path: Path, columns: str) -> list[tuple[float | str, ...]]:
    entries = [entry for entry in columns.split(",") if not entry.startswith("decimal")]
    options = parse_data_columns(",".join(filter(None, entries)))
    data = load_path(path, columns=options.columns, dialect=options.dialect)
    found = []
    for split in (data.train, data.test):
        for text, label in zip(split.first, split.label.tolist(), strict=True):
            found.append((text, data.classes[label]))
    return sorted(found)


Make = Callable[[Dialect, random.Random], Table]
Read = Callable[[Path, str], list[tuple[float | str, ...]]]
READERS: dict[str, tuple[Make, Read]] = {
    "mobility": (mobility_table, read_mobility),
    "rates": (rate_table, read_rates),
    "channels": (channel_table, read_channels),
    "sites": (site_table, read_places),
    "texts": (text_table, read_texts),
}


def same(found: list[tuple[float | str, ...]], truth: list[tuple[float | str, ...]]) -> bool:
    """Whether all values agree, numbers to 1e-9 of their size."""
    if len(found) != len(truth):
        return False
    for row, wanted in zip(found, truth, strict=True):
        for value, right in zip(row, wanted, strict=True):
            if isinstance(right, str):
                if str(value) != right:
                    return False
            elif abs(float(value) - right) > 1e-9 * max(1.0, abs(right)) + 2e-6 * (right > 1e5):
                return False
    return True


def one(kind: str, seed: int, folder: Path) -> str:
    """Read one generated file: "right", or why it was refused. Wrong values fail."""
    draw = random.Random(f"{kind}-{seed}")
    how = dialect(draw)
    make, read = READERS[kind]
    table = make(how, draw)
    path = folder / f"{kind}-{seed}.csv"
    path.write_bytes(how.encode(table))
    columns = option(table, how, draw)
    try:
        found = read(path, columns)
    except DataError as error:
        return error.rule
    assert not table.is_wrong, f"{path}: {how}, columns {columns!r}: nonsense was read"
    assert same(found, table.truth), (
        f"{path}: {how}, columns {columns!r}: {found[:3]} for {table.truth[:3]}"
    )
    path.unlink()
    return "right"


@pytest.mark.parametrize("kind", READERS)
def test_values_are_right_or_the_file_is_refused(kind: str, tmp_path: Path) -> None:
    said = Counter(one(kind, seed, tmp_path) for seed in range(FEW))
    assert said["right"] > FEW / 2, said


def main(count: int) -> None:
    for kind in READERS:
        folder = Path(tempfile.mkdtemp())
        said: Counter[str] = Counter()
        for seed in range(count):
            try:
                said[one(kind, seed, folder)[:70]] += 1
            except AssertionError as error:
                said["WRONG"] += 1
                sys.stdout.write(f"{error}\n")
            except Exception as error:
                said[f"TRACEBACK {type(error).__name__}"] += 1
                sys.stdout.write(f"{kind}-{seed} in {folder}: {error!r}\n")
        sys.stdout.write(f"{kind}: {said.most_common(12)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FEW)
