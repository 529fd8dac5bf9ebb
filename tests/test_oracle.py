"""Random programs must mean the same to NumPy, to the simple engine and to the fast one.

A program is the text of a few assignments, so that what Hypothesis prints when it fails runs as it
stands. The simple engine is held against NumPy (its values) and complex steps (its derivatives,
exact to the last digits: https://doi.org/10.1145/838250.838251); then the fast engine against it.
"""

import re
from dataclasses import dataclass

import hypothesis.extra.numpy as nps
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dezero
from dezero import core_simple

STATEMENTS = [
    "{y} = {a} + {b}",
    "{y} = {b} + {a}",
    "{y} = {a} - {b}",
    "{y} = {b} - {a}",
    "{y} = {a} * {b}",
    "{y} = {b} * {a}",
    "{y} = {a} / ({b} * {b} + 1.5)",
    "{y} = {b} / ({a} * {a} + 1.5)",
    "{y} = ({a} * {a} + 0.5) ** {b}",
    "{y} = 1.5 ** {a}",
    "{y} = {a} ** 2",
    "{y} = {a} ** 3",
    "{y} = -{a}",
    "{y} = square({a})",
    "{y} = exp({a})",
    "{y} = log({a} * {a} + 0.5)",
    "{y} = sin({a})",
    "{y} = tanh({a})",
    "{y} = sum({a})",
    "{y} = {a}; {y} += {b}",
    "{y} = {a}; {y} -= {b}",
    "{y} = {a}; {y} *= {b}",
    "{y} = {a}; {y} /= 2.5",
]
FUNCTIONS = ["square", "exp", "log", "sin", "tanh", "sum"]
NUMBERS = ["2", "-3", "0.1", "-1.5"]  # Python numbers, as they stand in a program

examples = settings(max_examples=200, deadline=None)


@dataclass(frozen=True)
class Program:
    """Inputs ``v0, v1, …``, a constant array ``c``, and what is done with them."""

    inputs: tuple[np.ndarray, ...]
    constant: np.ndarray
    lines: tuple[str, ...]

    def run(self, inputs, library):
        """Every name's final value, in order; functions are looked up in a module."""
        names = {f"v{i}": v for i, v in enumerate(inputs)}
        scope = {name: getattr(library, name) for name in FUNCTIONS} | {"c": self.constant}
        exec("\n".join(self.lines), scope, names)
        return names

    def differentiate(self, engine, library):
        """The same with Variables, the last of which was differentiated by all the others."""
        names = self.run([engine.Variable(x.copy()) for x in self.inputs], library)
        list(names.values())[-1].backward(retain_grad=True)
        return names

    def evaluate(self, inputs):
        """The same with plain arrays, whose ``+=`` would write into them, and is rewritten."""
        rebound = [re.sub(r"= (.*); .* (.)= ", r"= \1 \2 ", line) for line in self.lines]
        return Program(self.inputs, self.constant, tuple(rebound)).run(inputs, np)

    def __repr__(self):
        inputs = [f"v{i} = np.{x!r}" for i, x in enumerate(self.inputs)]
        return "\n".join(["", *inputs, f"c = np.{self.constant!r}", *self.lines])


@st.composite
def programs(draw, dtypes=("float64",)):
    """Programs over inputs whose shapes broadcast, ``()`` and empty ones among them."""
    shapes = draw(nps.mutually_broadcastable_shapes(num_shapes=4, min_side=0, max_side=3))
    entries = st.integers(-20, 20).map(lambda n: n / 10)
    *inputs, constant = (
        draw(nps.arrays(draw(st.sampled_from(dtypes)), shape, elements=entries, fill=st.nothing()))
        for shape in shapes.input_shapes[: draw(st.integers(2, 4))]
    )
    lines = []
    for i in range(len(inputs), len(inputs) + draw(st.integers(1, 10))):
        latest, any_ = st.just(f"v{i - 1}"), st.sampled_from([f"v{k}" for k in range(i)])
        a, b = draw(latest | any_), draw(any_ | st.sampled_from([*NUMBERS, "c"]))
        lines.append(draw(st.sampled_from(STATEMENTS)).format(y=f"v{i}", a=a, b=b))
    return Program(tuple(inputs), constant, tuple(lines))


def oracle(program):
    """What the simple engine says, and the largest number on its way; programs that explode do
    not count, since rounding errors explode with them.
    """
    with np.errstate(all="ignore"):
        names = program.differentiate(core_simple, core_simple)
    arrays = [v.data for v in names.values()]
    arrays += [v.grad for v in names.values() if v.grad is not None]
    scale = max((np.max(np.abs(a), initial=1.0) for a in arrays), default=1.0)
    assume(scale < 1e4)
    return names, scale


@examples
@given(programs())
def test_the_simple_engine_computes_what_numpy_computes(program):
    names, _ = oracle(program)
    for name, value in program.evaluate(program.inputs).items():
        assert names[name].shape == np.shape(value)
        np.testing.assert_allclose(names[name].data, value, 1e-12, 1e-12, err_msg=name)


@examples
@given(programs(), st.integers(0, 10))
def test_the_simple_engine_differentiates_as_complex_steps_do(program, seed):
    names, scale = oracle(program)
    rng, h = np.random.default_rng(seed), 1e-30
    directions = [rng.normal(size=x.shape) for x in program.inputs]
    stepped = program.evaluate(
        [x + 1j * h * t for x, t in zip(program.inputs, directions, strict=True)]
    )
    *_, result = stepped.values()
    slope = 0.0
    for i, t in enumerate(directions):
        gx = names[f"v{i}"].grad
        slope += 0.0 if gx is None else np.sum(gx * t)
    np.testing.assert_allclose(slope, np.sum(np.imag(result)) / h, 1e-10, 1e-12 * scale**2)


@pytest.mark.parametrize("shapes", [[(2, 3), (3, 4)], [(1, 1), (1, 1)], [(5, 2, 3), (3, 2)]])
def test_the_simple_engine_multiplies_matrices(shapes):
    rng = np.random.default_rng(1)
    core_simple.check_grad(
        lambda x, y: x @ y, *(core_simple.Variable(rng.normal(size=shape)) for shape in shapes)
    )


def test_programs_fail_readably():
    """A failure shows lines that can be pasted, after ``import numpy as np``, and run."""
    program = Program((np.array([1.0, 2.0]), np.array(3.0)), np.array(1.0), ("v2 = v0; v2 += v1",))
    scope = {"np": np}
    exec(repr(program), scope)
    assert scope["v2"].tolist() == [4.0, 5.0]


@examples
@given(programs())
def test_the_fast_engine_says_what_the_simple_one_says(program):
    """Values bit for bit (powers, of which NumPy has several, to 1e-12); gradients to 1e-12."""
    expected, scale = oracle(program)
    names = program.differentiate(dezero, np)
    exact = "**" not in repr(program)
    for name, v in names.items():
        same(v.data, expected[name].data, 0 if exact else 1e-12 * scale, name)
        same(v.grad, expected[name].grad, 1e-12 * scale, f"gradient by {name}")


@examples
@given(programs(dtypes=("float32", "float64")))
def test_the_fast_engine_has_the_simple_ones_precision(program):
    """The dtype of every value and gradient, where single meets double precision."""
    expected, scale = oracle(program)
    for name, v in program.differentiate(dezero, np).items():
        same(v.data, expected[name].data, 1e-4 * scale, name)
        same(v.grad, expected[name].grad, 1e-4 * scale**2, f"gradient by {name}")


def same(a, b, tolerance, name):
    """Both None, or ndarrays of one shape and dtype whose entries agree."""
    assert type(a) is type(b), name
    if b is not None:
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
        np.testing.assert_allclose(a, b, tolerance and 1e-12, tolerance, err_msg=name)
