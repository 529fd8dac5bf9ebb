"""Tell malignant from benign breast tumours by logistic regression, with plain gradient descent.

Data: 569 biopsies with 30 measurements each, the Wisconsin diagnostic set that scikit-learn ships
(`pip install scikit-learn`). The parameters are a dict, and so is their gradient.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer

import dezero as dz


def data(seed=0, held_out=150):
    """Standardised features and 0/1 labels: one pair to train on, one held out."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = x[order], y[order].astype(float)
    train, test = slice(held_out, None), slice(held_out)
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    return (x[train], y[train]), (x[test], y[test])


def loss(parameters, x, y, decay=1e-3):
    """Mean of log(1 + exp(z)) - y z, the negative log-likelihood, and a little weight decay."""
    w, b = parameters["w"], parameters["b"]
    z = x @ w + b
    return np.mean(np.logaddexp(0, z) - y * z) + decay * np.sum(w**2)


def accuracy(parameters, x, y):
    """The share of labels that the sign of z tells."""
    return np.mean((x @ parameters["w"] + parameters["b"] > 0) == (y > 0.5))


def fit(x, y, steps=500, rate=0.5):
    """Gradient descent from zero; prints the loss five times on its way."""
    parameters = {"w": np.zeros(x.shape[1]), "b": 0.0}
    value_and_gradient = dz.value_and_grad(loss)
    for step in range(1, steps + 1):
        value, gradient = value_and_gradient(parameters, x, y)
        parameters = {name: parameters[name] - rate * gradient[name] for name in parameters}
        if step % (steps // 5) == 0:
            print(f"step {step:4d}   loss {value:.4f}")
    return parameters


def main():
    """Print the training and the accuracy on what it did not see."""
    train, test = data()
    parameters = fit(*train)
    print(f"accuracy on {len(test[1])} held-out biopsies: {accuracy(parameters, *test):.3f}")
    return parameters


if __name__ == "__main__":
    main()
