"""What anybody's function takes, and what to call it."""

import inspect
import types


def parameters_of(function):
    """The parameters of a function's signature by name; none where Python cannot tell."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def places(function):
    """The names of the arguments that can be given by position."""
    return [name for name, p in parameters_of(function).items() if _is_place(p)]


def needed(function):
    """The names of the arguments that have to be given."""
    return [name for name, p in parameters_of(function).items() if _is_place(p) and p.default is p.empty]


def takes_nothing(function):
    """Whether it can be called with no argument only."""
    return not any(_is_place(p) or p.kind == p.VAR_POSITIONAL for p in parameters_of(function).values())


def title(thing):
    """How messages call a layer, a function or a pair of functions."""
    if isinstance(thing, tuple):
        return f"({', '.join(getattr(one, '__name__', type(one).__name__) for one in thing)})"
    if isinstance(thing, types.FunctionType):
        return thing.__name__
    label = getattr(thing, "label", None)
    if isinstance(label, str):
        return label
    own = repr(thing)
    return type(thing).__name__ if " at 0x" in own or len(own) > 80 or "\n" in own else own


def _is_place(parameter):
    return parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
