"""Values and gradients as loops over numbers, the way one writes them for Numba."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def chain(steps: int) -> Callable[..., Any]:
    """`_tasks.chain_of`."""

    def both(x: Any) -> Any:
        total, g = 0.0, np.empty_like(x)
        ys = np.empty(steps)
        for i in range(x.size):
            y = x[i]
            for k in range(steps):
                ys[k] = y
                y = y * x[i] + math.sin(y)
            total += y
            gy, gx = 1.0, 0.0
            for k in range(steps - 1, -1, -1):
                gx += gy * ys[k]
                gy = gy * x[i] + gy * math.cos(ys[k])
            g[i] = gx + gy
        return total, g

    return both


def rosenbrock(x: Any) -> Any:
    """`_derivatives.rosenbrock`."""
    total, g = 0.0, np.zeros_like(x)
    for i in range(x.size - 1):
        s, left = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * s * s + left * left
        g[i + 1] += 200.0 * s
        g[i] -= 400.0 * s * x[i] + 2.0 * left
    return total, g


def rosenbrock_hessian(x: Any) -> Any:
    """Likewise."""
    h = np.zeros((x.size, x.size))
    for i in range(x.size - 1):
        h[i + 1, i + 1] += 200.0
        h[i, i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0
        h[i, i + 1] = h[i + 1, i] = -400.0 * x[i]
    return h


def logistic(w: Any, inputs: Any, labels: Any) -> Any:
    """`_tasks.logistic`."""
    total, g = 0.0, np.zeros_like(w)
    for i in range(labels.size):
        margin = 0.0
        for j in range(w.size):
            margin += inputs[i, j] * w[j]
        margin *= labels[i]
        small = math.exp(-abs(margin))
        total += max(-margin, 0.0) + math.log1p(small)
        error = -labels[i] * (small if margin > 0.0 else 1.0) / (1.0 + small)
        for j in range(w.size):
            g[j] += error * inputs[i, j]
    return total, g


def mixture(params: Any, x: Any) -> Any:
    """`_tasks.mixture`."""
    weights, means, log_scales = params
    n, d = x.shape
    k = weights.size
    inverse = np.exp(-log_scales)
    base = weights - np.sum(log_scales, axis=1)
    g_weights, g_means = np.zeros_like(weights), np.zeros_like(means)
    g_scales = np.zeros_like(means)
    each, value = np.empty(k), 0.0
    for i in range(n):
        for c in range(k):
            total = 0.0
            for j in range(d):
                apart = (x[i, j] - means[c, j]) * inverse[c, j]
                total += apart * apart
            each[c] = base[c] - 0.5 * total
        most = np.max(each)
        total = 0.0
        for c in range(k):
            each[c] = math.exp(each[c] - most)
            total += each[c]
        value -= most + math.log(total)
        for c in range(k):
            share = each[c] / total
            g_weights[c] -= share
            for j in range(d):
                apart = (x[i, j] - means[c, j]) * inverse[c, j]
                g_means[c, j] -= share * apart * inverse[c, j]
                g_scales[c, j] += share - share * apart * apart
    top = np.max(weights)
    shares = np.exp(weights - top)
    total = np.sum(shares)
    value += n * (top + math.log(total))
    return value, (g_weights + n * shares / total, g_means, g_scales)


def classifier(params: Any, inputs: Any, labels: Any) -> Any:
    """`_tasks.classifier`; the products are NumPy's."""
    first, shift, second, offset = params
    n = inputs.shape[0]
    hidden = np.tanh(inputs @ first + shift)
    outer = hidden @ second + offset
    value, classes = 0.0, offset.size
    for i in range(n):
        most, total = np.max(outer[i]), 0.0
        for c in range(classes):
            value -= labels[i, c] * outer[i, c]
            outer[i, c] = math.exp(outer[i, c] - most)
            total += outer[i, c]
        value += most + math.log(total)
        for c in range(classes):
            outer[i, c] = (outer[i, c] / total - labels[i, c]) / n
    inner = outer @ second.T
    g_shift, g_offset = np.zeros_like(shift), np.zeros_like(offset)
    for i in range(n):
        for j in range(shift.size):
            inner[i, j] *= 1.0 - hidden[i, j] * hidden[i, j]
            g_shift[j] += inner[i, j]
        for c in range(classes):
            g_offset[c] += outer[i, c]
    return value / n, (inputs.T @ inner, g_shift, hidden.T @ outer, g_offset)


def orbit(steps: int, h: float) -> Callable[..., Any]:
    """`_tasks.orbit`: forward with all that is needed, and back."""
    times = np.array([0.0, 0.5 * h, 0.5 * h, h])
    parts = np.array([h / 6, h / 3, h / 3, h / 6])

    def both(params: Any, target: Any) -> Any:
        a, b, c, d = params[0], params[1], params[2], params[3]
        where = np.empty((steps, 4, 2))
        y, z = 1.0, 1.0
        for k in range(steps):
            dy = dz = up = right = 0.0
            for s in range(4):
                u, v = y + times[s] * dy, z + times[s] * dz
                where[k, s, 0], where[k, s, 1] = u, v
                dy, dz = a * u - b * u * v, c * u * v - d * v
                up += parts[s] * dy
                right += parts[s] * dz
            y, z = y + up, z + right
        value = (y - target[0]) ** 2 + (z - target[1]) ** 2
        gy, gz = 2.0 * (y - target[0]), 2.0 * (z - target[1])
        g = np.zeros(4)
        for k in range(steps - 1, -1, -1):
            hy = hz = 0.0  # of where the next stage was
            sum_y, sum_z = gy, gz
            for s in range(3, -1, -1):
                after = times[s + 1] if s < 3 else 0.0
                ry, rz = parts[s] * gy + after * hy, parts[s] * gz + after * hz
                u, v = where[k, s, 0], where[k, s, 1]
                g[0] += ry * u
                g[1] -= ry * u * v
                g[2] += rz * u * v
                g[3] -= rz * v
                hy = ry * (a - b * v) + rz * c * v
                hz = rz * (c * u - d) - ry * b * u
                sum_y += hy
                sum_z += hz
            gy, gz = sum_y, sum_z
        return value, g

    return both


def attraction(x: Any) -> Any:
    """`_tasks.attraction`, each pair once."""
    n, total, g = x.shape[0], 0.0, np.zeros_like(x)
    for i in range(n):
        for j in range(i):
            far = 0.1
            for k in range(x.shape[1]):
                far += (x[i, k] - x[j, k]) ** 2
            each = 1.0 / math.sqrt(far)
            total += 2.0 * each
            for k in range(x.shape[1]):
                pull = 2.0 * each / far * (x[i, k] - x[j, k])
                g[i, k] -= pull
                g[j, k] += pull
    return total + n / math.sqrt(0.1), g
