"""From operators on functions of one argument to operators with `argnum`."""

import functools


def unary_to_nary(operator):
    """``operator(fun, x)`` as ``operator(fun, argnum)(*args, **kwargs)``."""

    @functools.wraps(operator)
    def of(fun, argnum=0, *settings, **options):
        many = not isinstance(argnum, int)

        def derived(*args, **kwargs):
            def of_one(x):
                full = list(args)
                for k, part in zip(argnum, x, strict=True) if many else [(argnum, x)]:
                    full[k] = part
                return fun(*full, **kwargs)

            of_one.__name__ = getattr(fun, "__name__", "f")
            x = tuple(args[k] for k in argnum) if many else args[argnum]
            return operator(of_one, x, *settings, **options)

        return derived

    return of
