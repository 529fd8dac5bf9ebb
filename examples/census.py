"""Fit a logistic growth curve to the population of the United States, 1790 to 2020, by descent.

Data: resident population at each decennial census, in millions; US Census Bureau, "Population: 1790
to 1990" (CPH-2, table 4) and the counts of 2000, 2010 and 2020. Facts in the public domain.
"""

import numpy as np

import dezero as dz

YEARS = np.arange(1790, 2021, 10)
POPULATION = np.array([
    3.929, 5.308, 7.240, 9.638, 12.861, 17.063, 23.192, 31.443,
    38.558, 50.189, 62.980, 76.212, 92.228, 106.022, 123.203, 132.165,
    151.326, 179.323, 203.302, 226.542, 248.710, 281.422, 308.746, 331.449,
])  # fmt: skip


def population(K, r, t0, year):
    """Millions of people: a curve that rises to `K` at the rate `r`, and is half-way in `t0`."""
    return K / (1 + np.exp(-r * (year - t0)))


def loss(K, r, t0):
    """The mean squared error, in millions squared."""
    return np.mean((population(K, r, t0, YEARS) - POPULATION) ** 2)


UNITS = np.array([100.0, 0.01, 50.0])  # of K, r and t0 - 1950


def scaled_loss(p):
    """The loss of parameters of about size 1: descent needs them to weigh about the same."""
    K, r, t = p * UNITS
    return loss(K, r, 1950 + t)


def fit(p, steps=3000, rate=2e-4, momentum=0.95):
    """Gradient descent with momentum: p and the loss after `steps` steps."""
    value_and_gradient = dz.value_and_grad(scaled_loss)
    step = np.zeros_like(p)
    for _ in range(steps):
        value, gradient = value_and_gradient(p)
        step = momentum * step - rate * gradient
        p = p + step
    return p, value


def main():
    """Print the fit, and what it says about 2030."""
    p, value = fit(np.array([3.0, 3.0, 0.0]))  # K = 300 million, r = 0.03, t0 = 1950
    K, r, t = p * UNITS
    print(f"K = {K:.1f} million, r = {r:.5f} per year, t0 = {1950 + t:.1f}")
    print(f"root mean square error {np.sqrt(value):.2f} million\n\nyear  observed  fitted")
    for year, observed in zip(YEARS[::3], POPULATION[::3], strict=True):
        print(f"{year}  {observed:8.1f}  {population(K, r, 1950 + t, year):6.1f}")
    print(f"2030         ?  {population(K, r, 1950 + t, 2030):6.1f}")


if __name__ == "__main__":
    main()
