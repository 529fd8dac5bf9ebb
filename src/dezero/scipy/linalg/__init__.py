"""Linear algebra by SciPy's names and signatures, for boxes and arrays.

Rows: functions of matrices (`expm`, `logm`, `sqrtm`), triangular, banded and Sylvester equations,
and LU. The others are programs over these and over NumPy's. Sources: Higham 2008, "Functions of
Matrices"; Mathias 1996, "A chain rule for matrix functions and applications"; Giles 2008, "An
extended collection of matrix derivative results".

``overwrite_…`` is accepted and nothing is overwritten; ``check_finite`` does what it does in SciPy.
What reads one triangle of a matrix has the gradient by that triangle.
"""

from .equations import (
    det,
    inv,
    solve,
    solve_banded,
    solve_continuous_lyapunov,
    solve_sylvester,
    solve_triangular,
)
from .factors import (
    cho_factor,
    cho_solve,
    cholesky,
    eigh,
    lu,
    lu_factor,
    lu_solve,
    qr,
    svd,
)
from .functions import (
    expm,
    expm_frechet,
    logm,
    sqrtm,
)
from .structured import (
    block_diag,
    circulant,
    companion,
    fiedler,
    hankel,
    leslie,
    toeplitz,
)

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "companion",
    "det",
    "eigh",
    "expm",
    "expm_frechet",
    "fiedler",
    "hankel",
    "inv",
    "leslie",
    "logm",
    "lu",
    "lu_factor",
    "lu_solve",
    "qr",
    "solve",
    "solve_banded",
    "solve_continuous_lyapunov",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "svd",
    "toeplitz",
]
