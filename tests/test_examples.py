"""The examples run, and find what is known of their data."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import dezero as dz
from dezero.cli import main

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    return runpy.run_path(str(EXAMPLES / name))


def test_census_descends_in_a_few_steps():
    census = load("census.py")
    p, value = census["fit"](np.array([3.0, 3.0, 0.0]), steps=300)
    assert value < 60 < census["scaled_loss"](np.array([3.0, 3.0, 0.0]))
    assert np.all(np.isfinite(p))


def test_census_fits_the_counts(capsys):
    load("census.py")["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "K = 499.2 million, r = 0.02057 per year, t0 = 1987.8"
    assert lines[1] == "root mean square error 4.70 million"
    assert "1790       3.9     8.4" in lines
    assert lines[-1].startswith("2030")


def test_the_command_on_census(capsys):
    at = [part for value in ("K=400.0", "r=0.03", "t0=1950.0") for part in ("--at", value)]
    assert main(["grad", f"{EXAMPLES / 'census.py'}:loss", *at]) == 0
    assert "check       passed: 3 entries" in capsys.readouterr().out


def test_uncertainty(capsys, monkeypatch):
    """The standard errors of Gauss and Newton, and the influence of a count by fitting again."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = load("uncertainty.py")
    example["main"]()
    assert capsys.readouterr().out.startswith("K =  499.")
    counts = example["POPULATION"]
    influence = dz.grad(example["prediction"])(counts)
    for k in (0, 12, 23):
        more, less = counts.copy(), counts.copy()
        more[k] += 0.01
        less[k] -= 0.01
        slope = (example["prediction"](more) - example["prediction"](less)) / 0.02
        np.testing.assert_allclose(influence[k], slope, rtol=1e-6)


def test_mixture(capsys):
    """The mixture that the sample was drawn from, however it is run."""
    load("mixture.py")["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert all(" loss 3.818173 in " in line for line in lines[:3])
    assert lines[3:] == [
        "29.9% of the waiting times are 54.36 ± 6.36 minutes",
        "70.1% of the waiting times are 79.98 ± 6.28 minutes",
    ]


def test_logistic_regression(capsys):
    pytest.importorskip("sklearn", reason="the example's data set comes with scikit-learn")
    load("logistic_regression.py")["main"]()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("accuracy on 150 held-out biopsies")
    assert float(last.split()[-1]) >= 0.95


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_each_is_one_screen_long_and_listed(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 65
    assert f"`{path.name}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
