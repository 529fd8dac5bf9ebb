"""The benchmarks run; what they find depends on the machine, but what leaks does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def test_overhead_runs_and_finds_no_leak():
    argv = [sys.executable, FOLDER / "overhead.py", "--quick", "--json", "--only", "chain", "flat"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"machine", "chain", "flat"}
    assert [row["left"] for row in found["chain"][0]["rows"]] == [0.0, 0.0]
    assert found["flat"][0]["grown MB"] < 5


def test_taylor_runs_and_agrees_with_nested_derivatives():
    argv = [sys.executable, FOLDER / "taylor.py", "--quick", "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {row["order"] for row in json.loads(done.stdout)["taylor"] if "nested" in row} == {
        1,
        2,
        4,
    }


def test_transforms_runs_and_its_sides_agree():
    argv = [sys.executable, FOLDER / "transforms.py", "--quick", "--json", "--only", "gradient"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"machine", "gradient"}
    for sizes in found["gradient"][0]["functions"].values():
        assert all(each["gradient"] > 0 for each in sizes.values())


def test_jit_runs_and_its_sides_agree():
    argv = [sys.executable, FOLDER / "jit.py", "--quick", "--json", "--only", "call", "network"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"machine", "call", "network", "end"}
    assert all(each["of"]["NumPy"] > 0 for each in found["network"])


def test_rules_measures_every_row():
    """A row that is new needs a call in `benchmarks/_calls.py`, if not one of vectors."""
    argv = [sys.executable, "-c", "import _calls; print(_calls.unfit())"]
    done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "{}", done.stdout + done.stderr


@pytest.mark.parametrize("part", ["time", "memory", "growth"])
def test_rules_runs(part):
    argv = [sys.executable, FOLDER / "rules.py", "--quick", "--json", "--only", part]
    argv += ["--rows", "exp", "matmul", "sum", "shape"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)[part][0]["rows"]
    assert rows.keys() == {"exp", "matmul", "sum"}  # `shape` has no derivative
    assert all(row["gradient"] > 0 for row in rows.values())


def test_the_shim_of_hips_autograd_conjugates_at_its_border():
    code = "import autograd as ag; print(ag.grad(lambda z: ag.numpy.real(z * z))(3 + 4j))"
    code = f"import autograd.numpy; {code}"
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            [str(FOLDER / "peer_suites"), os.environ.get("PYTHONPATH", "")]
        )
    }
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(6+8j)", done.stderr
