"""How sure is the fit? The growth curve of `census.py` by Newton's method, with its uncertainty.

The fit is a function of the counts, so everything about it can be differentiated: the Hessian gives
the standard errors of the parameters, the gradient of the prediction carries them to 2030, and the
derivative of the solution by each count tells which census the prediction hangs on.
"""

import numpy as np
from census import POPULATION, UNITS, YEARS, population

import dezero as dz


def curve(p, year):
    """The population by parameters of about size 1."""
    K, r, t = p[0] * UNITS[0], p[1] * UNITS[1], p[2] * UNITS[2]
    return population(K, r, 1950 + t, year)


def loss(p, counts):
    """Half the sum of the squared errors."""
    return 0.5 * np.sum((curve(p, YEARS) - counts) ** 2)


def fit(counts):
    """The parameters with the least loss, as a function of the counts."""
    return dz.minimize(loss, np.array([4.0, 2.5, 0.5]), counts)


def prediction(counts, year=2030):
    """What the curve that fits the counts says of a year."""
    return curve(fit(counts), year)


def main():
    """Print the fit, the standard errors, and the influence of each census."""
    p = fit(POPULATION)
    freedom = len(YEARS) - len(p)
    variance = 2 * loss(p, POPULATION) / freedom
    covariance = variance * np.linalg.inv(dz.hessian(loss)(p, POPULATION))
    errors = np.sqrt(np.diag(covariance)) * UNITS
    for name, value, error in zip("Krt", p * UNITS, errors, strict=True):
        print(f"{name} = {value:9.4f} ± {error:.4f}")
    slope = dz.grad(curve)(p, 2030)
    error = np.sqrt(slope @ covariance @ slope)
    print(f"2030: {curve(p, 2030):.1f} ± {error:.1f} million\n")
    influence = dz.grad(prediction)(POPULATION)
    print("year  million more in 2030 for a million more counted")
    for year, weight in zip(YEARS[::4], influence[::4], strict=True):
        print(f"{year}  {weight:+.3f}")


if __name__ == "__main__":
    main()
