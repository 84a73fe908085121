"""`netsim validate` of scenarios whose plans or payloads depend on training or on a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.cli.main import main
from netsim.learning.builtin import model_folder

SMALL = ("ues.count=6", "data.train_samples=300", "data.test_samples=20", "data.samples_per_ue=20")


def explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *settings: str
) -> str:
    sets = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    monkeypatch.setattr("sys.argv", ["netsim", "validate", "quickstart", *sets])
    with pytest.raises(SystemExit) as ended:
        main()
    found = capsys.readouterr()
    assert not ended.value.code, found.err
    return found.out


@pytest.mark.parametrize(
    "settings",
    [
        ("scheme.kind=hetlora",),
        ("scheme.kind=model_switching", "scheme.switch_gap=affinity"),
        (f"model.path={model_folder()}",),
        ("learning.log_risk=true",),
        ("data.partition.concept_share=0.5",),
    ],
)
def test_scenarios_that_learn_are_explained(
    settings: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "length of a round" in explained(monkeypatch, capsys, *settings)
    assert not list(tmp_path.iterdir())
