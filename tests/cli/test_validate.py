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
    ("settings", "trial"),
    [
        (("scheme.kind=hetlora",), "2 rounds"),
        (("scheme.kind=model_switching", "scheme.switch_gap=affinity"), "2 rounds"),
        ((f"model.path={model_folder()}",), "2 rounds"),
        (("learning.log_risk=true",), "20 rounds without learning"),
        (("data.partition.concept_share=0.5",), "20 rounds without learning"),
    ],
)
def test_scenarios_that_learn_are_explained(
    settings: tuple[str, ...],
    trial: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"from a trial of {trial}\n" in _tidy(explained(monkeypatch, capsys, *settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rounds", "trial"),
    [(1, "1 round"), (3, "3 rounds"), (500, "20 rounds")],
)
def test_a_trial_is_no_longer_than_the_run(
    rounds: int, trial: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = explained(monkeypatch, capsys, f"rounds={rounds}", "scheme.kind=round_robin")
    assert f"from a trial of {trial} without learning\n" in _tidy(said)


def _tidy(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.splitlines())
