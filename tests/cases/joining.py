"""Functions that join arrays."""

import numpy as np

from .tools import Case, cplx, real

CASES = {
    "concatenate": [
        Case(lambda x, y: np.concatenate([x, y]), (real((2, 3)), real((1, 3)))),
        Case(lambda x, y: np.concatenate((x, y, x), axis=-1), (real((2, 3)), real((2, 1)))),
        Case(lambda x, y: np.concatenate([x, y], 1), (real((2, 3)), real((2, 0)))),
        Case(lambda x, y: np.concatenate([x, y], axis=None), (real((2, 3)), real(2))),
        Case(lambda x: np.concatenate([np.ones((1, 3)), x, [[1, 2, 3]]]), (real((2, 3)),)),
        Case(lambda x: np.concatenate(x, axis=1), (real((2, 3, 2)),)),
        Case(lambda x, y: np.concatenate([x, y]), (cplx(3), real(2))),
        Case(lambda x: np.concatenate([x]), (real(3),)),
    ],
    "stack": [
        Case(lambda x, y: np.stack([x, y]), (real(), real())),
        Case(lambda x, y: np.stack([x, y, x], axis=-1), (real((2, 3)), real((2, 3)))),
        Case(lambda x: np.stack([x, np.ones(3), [1.0, 2.0, 3.0]], 1), (real(3),)),
        Case(lambda x: np.stack([x, 1.0, 2]), (real(),)),
        Case(lambda x, y: np.stack([x, y], axis=1), (cplx(3), real(3))),
    ],
}
