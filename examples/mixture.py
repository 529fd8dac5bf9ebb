"""Two kinds of waiting times in one sample: a Gaussian mixture, fitted by compiled steps."""

from time import perf_counter

import numpy as np

import dezero as dz

SHARE, MEAN, DEVIATION = np.array([0.3, 0.7]), np.array([54.0, 80.0]), np.array([6.0, 6.5])


def sample(size=2000, seed=1):
    """Waiting times in minutes, each of one of two kinds; the same at each run."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(2, size, p=SHARE)
    return rng.normal(MEAN[kind], DEVIATION[kind])


def log_share(logit):
    """The logarithms of the shares of both kinds."""
    return -np.logaddexp(0, np.stack([-logit, logit]))


def loss(params, x):
    """Minus the mean log-likelihood, of parameters that may be any numbers."""
    z = (x[:, None] - params["mean"]) / np.exp(params["log_deviation"])
    each = log_share(params["logit"]) - params["log_deviation"] - 0.5 * z**2
    return 0.5 * np.log(2 * np.pi) - np.mean(np.logaddexp(each[:, 0], each[:, 1]))


RATES = {"logit": 0.3, "mean": 30.0, "log_deviation": 0.1}


def step(params, speed, x):
    """One step of descent with momentum; all of it, with the gradient, is compiled as one."""
    value, slope = dz.value_and_grad(loss)(params, x)
    speed = {k: 0.8 * speed[k] - RATES[k] * slope[k] for k in params}
    return {k: params[k] + speed[k] for k in params}, speed, value


def fit(step, x, steps=500):
    """The parameters after so many steps, and the loss."""
    params = {"logit": 0.0, "mean": np.array([60.0, 70.0]), "log_deviation": np.array([2.0, 2.0])}
    speed = {k: 0.0 * p for k, p in params.items()}
    for _ in range(steps):
        params, speed, value = step(params, speed, x)
    return params, value


def main():
    """Print the fit, and what compiling it gains."""
    x, fast = sample(), dz.jit(step)
    for name, each in (("as it is written", step), ("compiled", fast), ("again", fast)):
        start = perf_counter()
        params, value = fit(each, x)
        print(f"{name:16}  loss {value:.6f} in {perf_counter() - start:.3f} s")
    share, deviation = np.exp(log_share(params["logit"])), np.exp(params["log_deviation"])
    for s, m, d in zip(share, params["mean"], deviation, strict=True):
        print(f"{s:.1%} of the waiting times are {m:.2f} ± {d:.2f} minutes")


if __name__ == "__main__":
    main()
