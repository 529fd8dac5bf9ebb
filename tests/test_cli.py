"""The command: what it prints, what it returns, and what it says when it cannot."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dezero.cli import main

USER_FILE = """
    import numpy as np
    import dezero as dz
    import helper

    DATA = np.arange(4.0)
    CALLS = []

    def square(x):
        return x * x

    def loss(K, r, t0=1.0):
        return np.mean((K / (1 + np.exp(-r * (DATA - t0))) - DATA) ** 2)

    def fit(w, x, y, *, decay=0.0):
        return np.mean((x @ w - y) ** 2) + decay * np.sum(w**2)

    def model(params, x):
        return np.sum(np.tanh(x @ params["w"] + params["b"]))

    def total(x):
        return np.sum(x * x)

    def first(x, /, y=2.0, **more):
        return x * y + sum(more.values())

    def power(x, n):
        for _ in range(n):
            x = x * x
        return x

    def vector(x):
        return np.array([1.0, 2.0]) * x

    def ignores(x, y):
        return 3.0 * x

    def kink(x):
        return np.where(x > 1.0, 3.0 * x, x)

    def domain(x):
        if x < 0:
            raise ValueError("negative")
        return np.log(x)

    def random(x):
        return x * np.random.default_rng().normal()

    def nothing(x):
        x * 2.0

    def pair(x):
        return x, x

    def count(x):
        return np.sum(np.asarray([1, 2, 3]))

    def fails(x):
        return helper.broken(x)

    def leaves(x):
        raise SystemExit("bye")

    def stops(x):
        raise KeyboardInterrupt

    def converts(x):
        return np.sin(float(x))

    class Cube(dz.Function):
        def forward(self, x):
            return 100.0 + x**3 + x

        def backward(self, gy):
            (x,) = self.inputs
            return (3 * x**2 + 1) * 1.0005 * gy

    def wrong(x):
        return Cube()(x)

    def assigns(x):
        a = np.zeros(2)
        a[0] = x
        return a.sum()

    def endless(x):
        return endless(x)

    def talks(x):
        print("hello from the user")
        return x * x

    def overflows(x):
        return x * 1e308 * 1e308

    def nested(x):
        return sum(np.sum(part) for part in x)

    def variables(x):
        return (x.data, x * x)[1] if type(x).__name__ == "Variable" else x.no_such_attribute

    def magnitude(z):
        return np.sum(np.abs(z) ** 2)

    def arguments(*args):
        return 0.0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "user.py").write_text(textwrap.dedent(USER_FILE))
    (tmp_path / "helper.py").write_text("def broken(x):\n    return x / (x - x).no_attribute\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capsys):  # noqa: ARG001  the folder is where it runs
    """Call the command in this process: exit code, standard output, standard error."""

    def run(*argv):
        try:
            code = main(list(argv))
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def answer(run):
    """The JSON answer of `dezero grad` for a function of the user's file."""

    def answer(function, *argv):
        code, out, err = run("grad", f"user.py:{function}", *argv, "--json")
        assert code == 0, err
        return json.loads(out)

    return answer


# ---- what it prints ----


def test_text_tells_value_derivatives_check_and_times(run):
    code, out, err = run("grad", "user.py:square", "--at", "x=3.0")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["value", "9"]
    assert lines[1:3] == ["derivative", "  x         6"]
    assert lines[3].startswith("check       passed: 1 entry against 4th-order differences")
    assert lines[4].startswith("time        automatic ")
    assert "numerical" in lines[4]


def test_long_arrays_are_short_in_text_and_full_in_json(run, folder):
    x = np.linspace(0, 1, 500)
    np.save(folder / "x.npy", x)
    _, out, _ = run("grad", "user.py:total", "--at", "x=@x.npy")
    assert "float64 of shape (500,), norm" in out
    assert "..." in out
    assert len(out.splitlines()) < 10
    _, out, _ = run("grad", "user.py:total", "--at", "x=@x.npy", "--json")
    np.testing.assert_allclose(json.loads(out)["gradient"]["x"], 2 * x)


def test_json_schema(answer):
    found = answer("loss", "--at", "K=400.0", "--at", "r=0.03")
    assert set(found) == {
        "schema", "dezero", "function", "value", "gradient", "check", "seconds", "notes",
    }  # fmt: skip
    assert found["schema"] == 1
    assert found["function"] == "user.py:loss"
    assert set(found["gradient"]) == {"K", "r"}
    assert set(found["check"]) == {
        "passed", "entries", "checked", "failed", "tolerance", "max_relative_error", "worst",
    }  # fmt: skip
    assert found["check"]["passed"] is True
    assert found["check"]["max_relative_error"] < 1e-8
    assert set(found["check"]["worst"]) == {"entry", "automatic", "numerical", "relative_error"}
    assert found["seconds"]["automatic"] > 0
    assert found["seconds"]["numerical"] > 0


@pytest.mark.filterwarnings("ignore:overflow")
def test_json_stays_valid_without_finite_numbers(run):
    code, out, _ = run("grad", "user.py:overflows", "--at", "x=2.0", "--json", "--no-check")
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (code, found["value"], found["check"]) == (0, "inf", None)


def test_json_has_what_the_function_prints_on_stderr(run):
    _, out, err = run("grad", "user.py:talks", "--at", "x=1.0", "--json", "--no-check")
    assert json.loads(out)["value"] == 1.0
    assert "hello from the user" in err


def test_no_check(run):
    code, out, _ = run("grad", "user.py:square", "--at", "x=3.0", "--no-check")
    assert code == 0
    assert "not made (--no-check)" in out
    assert "numerical" not in out


def test_sample_checks_so_many_entries(run):
    x = list(range(1, 31))
    code, out, _ = run(
        "grad", "user.py:total", "--at", f"x={x}", "--sample", "5", "--seed", "3", "--json"
    )
    check = json.loads(out)["check"]
    assert (code, check["entries"], check["checked"]) == (0, 30, 5)


def test_progress_bar(run):
    _, _, err = run("grad", "user.py:total", "--at", "x=[1.0, 2.0, 3.0]", "--progress")
    assert "check" in err
    _, _, err = run("grad", "user.py:total", "--at", "x=[1.0, 2.0, 3.0]")
    assert err == ""


def test_plain_bar_without_tqdm(run, monkeypatch):
    import dezero.cli.progress

    monkeypatch.setattr(dezero.cli.progress, "tqdm", None)
    _, _, err = run("grad", "user.py:total", "--at", "x=[1.0, 2.0, 3.0]", "--progress")
    assert "\rcheck [..............................]   0 %  0/3" in err
    assert err.endswith("\r")


# ---- values ----


@pytest.mark.parametrize(
    ("text", "gradient"),
    [
        ("[1.0, -2.0]", [2.0, -4.0]),
        ("[1, 2]", [2.0, 4.0]),
        ("[[1.5, 2.0], [3.0, 4.0]]", [[3.0, 4.0], [6.0, 8.0]]),
        ("1e3", 2000.0),
        ("-0.5", -1.0),
        ("3", 6.0),
        ("[inf, 0.0]", ["inf", 0.0]),
        ("@x.npy", [2.0, 4.0]),
        ("@x.npz:a", [2.0, 4.0]),
        ("@x.json", [2.0, 4.0]),
        ("@params.json:w", [2.0, 4.0]),
        ("@column.csv", [2.0, 4.0]),
        ("@table.csv", [[2.0, 4.0], [6.0, 8.0]]),
        ("@table.csv:b", [4.0, 8.0]),
    ],
)
def test_values(answer, folder, text, gradient):
    np.save(folder / "x.npy", np.array([1.0, 2.0]))
    np.savez(folder / "x.npz", a=np.array([1.0, 2.0]))
    (folder / "x.json").write_text("[1, 2.0]")
    (folder / "params.json").write_text('{"w": [1.0, 2.0], "b": 0.5}')
    (folder / "column.csv").write_text("1.0\n2.0\n")
    (folder / "table.csv").write_text("\ufeffa, b\n1.0,2.0\n\n3.0,4.0\n", encoding="utf-8")
    assert answer("total", "--at", f"x={text}", "--no-check")["gradient"]["x"] == gradient


def test_containers(answer, folder):
    np.savez(folder / "p.npz", w=np.ones((2, 3)), b=np.zeros(3))
    found = answer("model", "--at", "params=@p.npz", "--at", "x=[1.0, 2.0]", "--wrt", "params")
    gradient = found["gradient"]["params"]
    assert np.shape(gradient["w"]) == (2, 3)
    np.testing.assert_allclose(gradient["b"], 1 - np.tanh(3.0) ** 2)
    found = answer("nested", "--at", "x=([1.0, 2.0], [3.0])")
    assert found["gradient"]["x"] == [[1.0, 1.0], [1.0]]
    assert found["check"]["worst"]["entry"].startswith("x[")


def test_names_of_leaves(run):
    _, out, _ = run(
        "grad", "user.py:model", "--at", "params={'w': [0.1], 'b': 0.2}", "--at", "x=[3]"
    )
    assert "params['w']" in out
    assert "params['b']" in out


def test_complex_argument(answer):
    found = answer("magnitude", "--at", "z=[1+2j, 3.0]")
    assert found["gradient"]["z"] == [{"re": 2.0, "im": 4.0}, {"re": 6.0, "im": 0.0}]
    assert found["check"]["entries"] == 4


def test_single_precision_has_its_own_tolerance(answer, folder):
    np.save(folder / "x.npy", np.array([1.0, 2.0], dtype=np.float32))
    assert answer("total", "--at", "x=@x.npy")["check"]["tolerance"] == 1e-3


# ---- which arguments ----


def test_integers_are_held_where_something_is_floating(answer):
    found = answer("power", "--at", "x=2.0", "--at", "n=3")
    assert found["gradient"] == {"x": 8 * 2.0**7}
    assert found["notes"] == ["n: integer, held constant; --wrt n differentiates by it"]


def test_integers_become_floating_when_they_are_all_there_is(answer):
    found = answer("square", "--at", "x=3")
    assert found["gradient"] == {"x": 6.0}
    assert found["notes"] == ["x: integers taken as floating"]


def test_integer_files_become_floating_when_asked(answer, folder):
    np.save(folder / "x.npy", np.arange(3))
    found = answer("fit", "--at", "w=[1.0]", "--at", "x=[[1.0]]", "--at", "y=@x.npy", "--wrt", "y")
    assert list(found["gradient"]) == ["y"]
    assert found["notes"] == ["y: integers taken as floating"]


def test_wrt_chooses_also_a_default(answer):
    found = answer("loss", "--at", "K=4.0", "--at", "r=0.5", "--wrt", "t0", "--wrt", "K")
    assert list(found["gradient"]) == ["t0", "K"]


def test_kinds_of_parameters(answer):
    found = answer("first", "--at", "x=3.0", "--at", "z=1.0")
    assert found["value"] == 7.0
    assert found["gradient"] == {"x": 2.0, "z": 1.0}


def test_an_argument_that_does_not_matter(answer):
    found = answer("ignores", "--at", "x=1.0", "--at", "y=2.0")
    assert found["gradient"] == {"x": 3.0, "y": 0.0}
    assert found["notes"] == ["y: derivative zero, the value does not depend on it here"]


def test_a_function_that_takes_variables_only(answer):
    assert answer("variables", "--at", "x=3.0")["gradient"] == {"x": 6.0}


# ---- the check ----


@pytest.mark.parametrize(
    ("function", "note"),
    [("kink", "kink, a jump or the edge"), ("random", "two calls gave different values")],
)
def test_a_failed_check_exits_with_1_and_a_reason(run, function, note):
    code, out, err = run("grad", f"user.py:{function}", "--at", "x=1.0")
    assert (code, err) == (1, "")
    assert "FAILED: 1 of 1 entry off by more than 1e-06; at x automatic" in out
    assert note in out


@pytest.mark.parametrize("x", ["1e-9", "1e-300", "1.0", "1e9"])
def test_the_check_takes_smaller_steps_near_the_edge_of_a_domain(answer, x):
    assert answer("domain", "--at", f"x={x}")["check"]["passed"]


@pytest.mark.parametrize("x", [1e-12, 1e-6, 1.0, 1e6])
def test_the_check_catches_a_rule_that_is_wrong_by_a_twentieth_of_a_percent(run, x):
    code, out, _ = run("grad", "user.py:wrong", "--at", f"x={x}")
    assert code == 1
    assert "FAILED" in out


def test_tolerance(run):
    assert run("grad", "user.py:square", "--at", "x=3.0", "--tolerance", "1e-30")[0] in (0, 1)
    assert run("grad", "user.py:kink", "--at", "x=1.0", "--tolerance", "10")[0] == 0


# ---- what it says when it cannot ----

BAD_INPUT = [
    ("missing.py:f", [], "no such file: missing.py"),
    ("data.txt:f", [], "data.txt is not a Python file (.py)"),
    (".:f", [], ". is a folder"),
    ("user.py", [], "name a function after the file, user.py:FUNCTION; it defines square, loss"),
    ("user.py:sqaure", [], "user.py has no function 'sqaure'; did you mean 'square'?"),
    ("user.py:zzz", [], "user.py has no function 'zzz'; it defines square"),
    ("user.py:DATA", [], "user.py:DATA is a ndarray, not a function"),
    ("user.py:square", ["x"], "--at x: write it as name=value"),
    ("user.py:square", ["x=1.0", "x=2.0"], "'x' was given before"),
    ("user.py:square", ["x=abc"], "'abc' is not a Python literal"),
    ("user.py:square", ["x=[1,"], "'[1,' is not a Python literal"),
    ("user.py:square", ["x="], "'' is not a Python literal"),
    ("user.py:square", ["y=1.0"], "--at y: square takes x"),
    ("user.py:loss", ["K=1.0", "rr=1.0"], "--at rr: loss takes K, r, t0; did you mean 'r'?"),
    ("user.py:loss", ["K=1.0"], "loss takes K, r, t0; missing: --at r=…"),
    ("user.py:square", ["x='text'"], "nothing to differentiate by: square takes x"),
    ("user.py:square", ["x=[]"], "nothing to differentiate by: x is empty"),
    ("user.py:arguments", [], "nothing to differentiate by: arguments takes no arguments"),
    ("user.py:square", ["x=" + "9" * 400], "an integer too large"),
    ("user.py:square", ["x=@none.npy"], "no such file: none.npy"),
    ("user.py:square", ["x=@data.txt"], "a data file ends in .npy, .npz, .csv or .json"),
    ("user.py:square", ["x=@bad.npy"], "not a readable .npy file"),
    ("user.py:square", ["x=@objects.npy"], "not a readable .npy file"),
    ("user.py:square", ["x=@good.npy:a"], "a .npy file holds one array; leave out :a"),
    ("user.py:square", ["x=@bad.npz"], "not a readable .npz file"),
    ("user.py:square", ["x=@good.npz:b"], "no 'b' in it (arrays: a)"),
    ("user.py:square", ["x=@bad.json"], "not a readable .json file: Expecting"),
    ("user.py:square", ["x=@list.json:a"], "holds no object"),
    ("user.py:square", ["x=@bad.csv"], "line 3: 'x' is not a number"),
    ("user.py:square", ["x=@ragged.csv"], "line 2 has 1 columns, the lines before it 2"),
    ("user.py:square", ["x=@empty.csv"], "empty.csv holds no numbers"),
    ("user.py:square", ["x=@good.csv:bb"], "no 'bb' in it (columns: a, b); did you mean 'b'?"),
    ("user.py:vector", ["x=1.0"], "vector returned an array of shape (2,)"),
    ("user.py:nothing", ["x=1.0"], "nothing returned None; does it end with a return?"),
    ("user.py:pair", ["x=1.0"], "pair returned a tuple"),
    ("user.py:count", ["x=1.0"], "count returned int64"),
    ("user.py:square", ["x=1j"], "square returned a complex number"),
]


@pytest.fixture
def files(folder):
    (folder / "data.txt").write_text("")
    (folder / "bad.npy").write_text("no array")
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(folder / "good.npy", np.ones(2))
    (folder / "bad.npz").write_bytes((folder / "good.npy").read_bytes())
    np.savez(folder / "good.npz", a=np.ones(2))
    (folder / "bad.json").write_text("[1, 2")
    (folder / "list.json").write_text("[1, 2]")
    (folder / "bad.csv").write_text("a,b\n1,2\n3,x\n")
    (folder / "ragged.csv").write_text("1,2\n3\n")
    (folder / "empty.csv").write_text("a,b\n")
    (folder / "good.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.mark.parametrize(("target", "at", "message"), BAD_INPUT)
@pytest.mark.usefixtures("files")
def test_bad_input_is_told_in_one_line(run, target, at, message):
    code, out, err = run("grad", target, *(part for value in at for part in ("--at", value)))
    assert (code, out) == (2, "")
    assert err.startswith("dezero: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("wrt", "message"),
    [("z", "--wrt z: loss takes K, r, t0"), ("r", "--wrt r: not numbers: 'text'")],
)
def test_bad_wrt(run, wrt, message):
    code, _, err = run("grad", "user.py:loss", "--at", "K=1.0", "--at", "r='text'", "--wrt", wrt)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "COMMAND"),
        (["grad"], "FILE.py:FUNCTION"),
        (["gard", "x"], "invalid choice"),
        (["grad", "user.py:square", "--sample", "0"], "0 is not positive"),
        (["grad", "user.py:square", "--sample", "many"], "invalid int value"),
        (["grad", "user.py:square", "--nonsense"], "--nonsense"),
    ],
)
def test_a_line_that_cannot_be_parsed(run, argv, message):
    code, _, err = run(*argv)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("function", "error", "line"),
    [
        ("fails", "fails raised AttributeError: ", "return helper.broken(x)"),
        ("leaves", "leaves raised SystemExit: bye", 'raise SystemExit("bye")'),
        ("converts", "differentiating converts raised ConversionError: ", "np.sin(float(x))"),
        ("assigns", "differentiating assigns raised ConversionError: ", "a[0] = x"),
        ("endless", "endless raised RecursionError: ", "return endless(x)"),
    ],
)
def test_an_exception_of_the_user_names_the_line(run, function, error, line):
    code, out, err = run("grad", f"user.py:{function}", "--at", "x=1.0")
    assert (code, out) == (3, "")
    assert err.startswith(f"dezero: {error}")
    assert '\n  File "user.py", line ' in err
    assert line in err
    assert "Traceback" not in err


def test_traceback(run):
    _, _, err = run("grad", "user.py:fails", "--at", "x=1.0", "--traceback")
    assert "Traceback (most recent call last)" in err
    assert "helper.py" in err


def test_errors_in_json(run):
    code, out, err = run("grad", "user.py:zzz", "--json")
    error = json.loads(out)["error"]
    assert code == error["exit_code"] == 2
    assert f"dezero: {error['message']}\n" == err


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def f(x:\n", "SyntaxError: "),
        ("import no_such_module_at_all\n", "ModuleNotFoundError: "),
        ("1 / 0\n", "ZeroDivisionError: "),
        ("import sys\nsys.exit(0)\n", "SystemExit: "),
    ],
)
def test_a_file_that_cannot_be_imported(run, folder, source, error):
    (folder / "broken.py").write_text(source)
    code, _, err = run("grad", "broken.py:f", "--at", "x=1.0")
    assert code == 3
    assert err.startswith(f"dezero: importing broken.py raised {error}")
    assert 'File "broken.py", line ' in err


def test_interrupt_is_quiet(run):
    assert run("grad", "user.py:stops", "--at", "x=1.0") == (130, "", "")


def test_nothing_is_left_behind(run, folder):
    path, modules = list(sys.path), set(sys.modules)
    (folder / "json.py").write_text("def f(x):\n    return x * x\n")
    assert run("grad", "json.py:f", "--at", "x=1.0")[0] == 0
    assert sys.path == path
    assert set(sys.modules) - modules <= {"helper"}
    assert sys.modules["json"] is json


# ---- as a program ----


def program(*argv):
    return subprocess.run(
        [sys.executable, "-m", "dezero", *argv],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        check=False,
    )


@pytest.mark.usefixtures("folder")
def test_as_a_module():
    done = program("grad", "user.py:square", "--at", "x=3.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("value       9\n")
    done = program("grad", "user.py:none", "--at", "x=3.0")
    assert (done.returncode, done.stdout) == (2, "")


def test_help_and_version():
    done = program("grad", "--help")
    assert done.returncode == 0
    for word in ("exit codes", "--at NAME=VALUE", "examples/census.py:loss", "--sample N"):
        assert word in done.stdout
    done = program("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("dezero ")


def test_the_page_of_the_command_knows_all_options(run):
    page = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in ("grad", "trace", "source", "view"):
        _, text, _ = run(command, "--help")
        options = set(re.findall(r"--[a-z-]+", text)) - {"--help"}
        assert {option for option in options if f"`{option}" not in page} == set()
        assert "exit codes" in text
        assert f"dezero {command} examples/census.py:loss" in text


def test_importing_the_library_does_not_import_the_command():
    code = "import dezero, sys; print('dezero.cli' in sys.modules, 'argparse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


# ---- dezero trace, source and view ----

SHOWN = """
    import numpy as np

    def taped(x, y):
        a = np.log(x)
        return a + x * y - np.sin(y)

    def pick(table, labels, n):
        return sum(np.sum(table[labels] ** 2) for _ in range(n))

    def branches(x):
        return np.sin(x) if x > 0 else x * x

    def model(params, x):
        return {"y": x @ params["w"] + params["b"], "w": params["w"]}

    def same(x):
        return x

    def talks(x):
        print("hello from the user")
        return x * x

    def fails(x):
        return x.no_such_attribute

    def large(x):
        return x * np.sqrt(np.arange(2000.0))

    def still(x):
        return 2.0

    def nothing(x):
        pass
"""

POINT = "--at", "x=2.0", "--at", "y=5.0"


@pytest.fixture
def shown(run, folder):
    """Call a command of the graph on a function of `shown.py`."""
    (folder / "shown.py").write_text(textwrap.dedent(SHOWN))
    return lambda command, name, *argv: run(command, f"shown.py:{name}", *argv)


def executed(text, name):
    space = {}
    exec(text, space)
    return space[name]


def test_trace_prints_the_tape(shown):
    code, out, err = shown("trace", "taped", *POINT)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "v1 = log(x)",
        "v2 = x * y",
        "v3 = v1 + v2",
        "v4 = sin(y)",
        "v5 = v3 - v4",
        "return v5",
    ]


def test_trace_prints_values_and_adjoints(shown):
    _, out, _ = shown("trace", "taped", *POINT, "--values", "--adjoints")
    lines = dict(map(str.strip, line.split("#")) for line in out.splitlines()[:-1])
    assert lines["x"] == "2.0"
    assert lines["v5 = v3 - v4"] == "11.652071455223084"
    assert lines["d_x = v7 + y"] == "5.5"
    assert lines["d_v4 = -1.0"] == "-1.0"
    assert out.splitlines()[-1] == "return v5"


def test_trace_shows_the_path_that_was_taken(shown):
    _, out, _ = shown("trace", "branches", "--at", "x=2.0")
    assert "guard bool(v1) is True" in out
    _, out, _ = shown("trace", "branches", "--at", "x=-2.0")
    assert "v2 = x * x" in out
    assert shown("trace", "same", "--at", "x=2.0")[:2] == (0, "return x\n")
    assert shown("trace", "still", "--at", "x=2.0")[:2] == (0, "return 2.0\n")
    assert shown("trace", "nothing", "--at", "x=2.0")[:2] == (0, "return None\n")


def test_trace_as_json(shown, folder):
    argv = *POINT, "--values", "--adjoints", "--json"
    code, out, _ = shown("trace", "taped", *argv)
    found = json.loads(out)
    assert code == 0
    assert set(found) == {
        "schema", "dezero", "function", "inputs", "steps", "returns", "derivatives", "notes",
    }  # fmt: skip
    assert found["inputs"][0] == {"name": "x", "dtype": "float64", "shape": [], "value": 2.0}
    first = found["steps"][0]
    assert first["text"] == "v1 = log(x)"
    assert first["line"] == f"{folder / 'shown.py'}:5"
    assert first["results"][0]["value"] == np.log(2.0)
    by_text = {step["text"]: step for step in found["steps"]}
    assert by_text["v7 = 1.0 / x"]["line"] == f"{folder / 'shown.py'}:5"
    assert by_text["v6 = cos(y)"]["line"] == f"{folder / 'shown.py'}:6"
    assert by_text["d_x = v7 + y"]["results"][0]["value"] == 5.5
    assert found["returns"] == ["v5"]
    assert found["derivatives"]["x"] == "d_x"
    assert found["derivatives"]["v4"] == "-1.0"
    _, out, _ = shown("trace", "branches", "--at", "x=2.0", "--json")
    assert json.loads(out)["steps"][1]["line"] == f"{folder / 'shown.py'}:12"


def test_inputs_are_what_is_floating_and_arrays_of_integers(shown):
    at = "--at", "table=[[1.0, 2.0], [3.0, 4.0]]", "--at", "labels=[0, 1, 1]", "--at", "n=2"
    code, out, err = shown("source", "pick", *at)
    assert (code, err) == (0, "dezero: n: integer, held constant\n")
    pick = executed(out, "pick")
    assert pick(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1, 1])) == 110.0
    _, out, _ = shown("source", "pick", *at, "--json")
    assert json.loads(out)["notes"] == ["n: integer, held constant"]
    _, out, err = shown("trace", "same", "--at", "x=3", "--values")
    assert err == "dezero: x: integers taken as floating\n"
    assert "x         # 3.0" in out


def test_source_runs_alone_and_gives_the_same(shown):
    code, out, err = shown("source", "taped", *POINT)
    assert (code, err) == (0, "")
    assert "a = np.log(x)" in out
    assert executed(out, "taped")(2.0, 5.0) == 11.652071455223084


def test_source_of_gradients(shown):
    _, out, _ = shown("source", "taped", *POINT, "--grad")
    assert executed(out, "grad_taped")(2.0, 5.0) == (5.5, 5.0 - 3.0 - 0.2836621854632262)
    _, out, _ = shown("source", "taped", *POINT, "--grad", "y, x")
    assert executed(out, "grad_taped")(2.0, 5.0)[1] == 5.5
    _, out, _ = shown("source", "taped", *POINT, "--grad", "x", "--json")
    assert executed(json.loads(out)["source"], "grad_taped")(2.0, 5.0) == 5.5


def test_what_the_user_prints_is_no_part_of_the_source(shown):
    _, out, err = shown("source", "talks", "--at", "x=2.0")
    assert "hello" in err
    assert executed(out, "talks")(3.0) == 9.0


def test_containers_in_graphs(shown):
    at = "--at", "params={'w': [[1.0], [2.0]], 'b': 0.5}", "--at", "x=[3.0, 4.0]"
    _, out, _ = shown("trace", "model", *at)
    assert "x @ params_w" in out
    assert out.splitlines()[-1] == "return params_w, v2"


def test_view_writes_the_page(shown, folder):
    code, out, err = shown("view", "taped", *POINT, "-o", "page.html")
    assert (code, out, err) == (0, "wrote page.html\n", "")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "taped" in page
    _, out, _ = shown("view", "taped", *POINT, "-o", "page.html", "--json")
    assert json.loads(out)["file"] == "page.html"


def test_view_as_dot(shown, folder):
    code, out, _ = shown("view", "taped", *POINT, "--dot")
    assert (code, out.split()[0]) == (0, "digraph")
    shown("view", "taped", *POINT, "--dot", "--output", "graph.dot")
    assert (folder / "graph.dot").read_text() + "\n" in (out, out + "\n")
    _, told, _ = shown("view", "taped", *POINT, "--dot", "--json")
    assert json.loads(told)["dot"].startswith("digraph")


@pytest.mark.parametrize(
    ("command", "argv", "message"),
    [
        ("trace", ["taped", "--at", "x=1.0"], "taped takes x, y; missing: --at y=…"),
        ("trace", ["tapped"], "shown.py has no function 'tapped'; did you mean 'taped'?"),
        ("trace", ["same", "--at", "x='a'"], "nothing to differentiate by"),
        ("trace", ["still", "--at", "x=1.0", "--adjoints"], "does not depend on the inputs"),
        ("trace", ["model", "--at", "params={'w': [1.0], 'b': 1.0}", "--at", "x=[1.0]",
                   "--adjoints"], "the result does not depend"),
        ("source", ["taped", *POINT, "--grad", "z"], "--grad z: taped takes x, y"),
        ("source", ["large", "--at", "x=1.0"], "an array of 2000 numbers: make it an argument"),
        ("source", ["large", "--at", "x=1.0", "--grad"], "returned an array of shape (2000,)"),
        ("view", ["taped", *POINT], "name the file to write: -o page.html"),
        ("view", ["taped", *POINT, "-o", "no/page.html"], "cannot write: No such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_told_in_one_line(shown, command, argv, message):
    code, out, err = shown(command, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("dezero: ")
    assert message in err
    assert err.count("\n") == 1
    code, out, _ = shown(command, *argv, "--json")
    assert json.loads(out)["error"]["exit_code"] == code == 2


@pytest.mark.parametrize("command", ["trace", "source", "view"])
def test_graphs_name_the_line_of_the_users_exception(shown, command):
    also = ["--dot"] if command == "view" else []
    code, out, err = shown(command, "fails", "--at", "x=1.0", *also)
    assert (code, out) == (3, "")
    assert err.startswith("dezero: tracing fails raised AttributeError: ")
    assert "return x.no_such_attribute" in err
