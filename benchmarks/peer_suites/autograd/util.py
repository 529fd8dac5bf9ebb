"""A deprecated name."""

from autograd.test_util import check_grads


def quick_grad_check(fun, arg0, extra_args=()):
    """The derivative by the first argument, checked."""
    check_grads(lambda x: fun(x, *extra_args))(arg0)
