"""What a computation is, in words: a description that every process gives alike.

A description is plain JSON: numbers and text as they are, a struct as its name and fields, an
array as its dtype, shape and the sha256 of its bytes (a small one as its numbers), a function as
"module:name". A function that belongs neither to Python nor to an installed package has with it
the digest of its compiled code, the defaults of its arguments, and, under "reads", what it closes
over and the globals that its code names, described in turn: numbers, structs, classes, other
functions.

Not seen are attributes of modules (settings.model), objects of other packages that JAX does not
know as pytrees, and whatever is read from files or the surroundings. The code is Python's
bytecode, so that another release of Python has another code; releases of JAX and of this package
leave a description as it is, but for what jax.vmap and its like keep of the function they were
given.
"""

import dataclasses
import dis
import functools
import hashlib
import os
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType

import jax
import numpy as np

SMALL = 16  # numbers of an array that are written out
PACKAGE = str(Path(__file__).parents[1])
PYTHON = sysconfig.get_path("stdlib")
PACKAGES = {"site-packages", "dist-packages"}


def is_key(leaf):
    """Whether a leaf is a typed JAX random key."""
    return jax.dtypes.issubdtype(getattr(leaf, "dtype", np.float64), jax.dtypes.prng_key)


def numbers(leaf):
    """A leaf as a NumPy array; a random key by its data."""
    return np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)


def name_of(thing):
    """The name "module:qualified name" of a class or function."""
    return f"{thing.__module__}:{thing.__qualname__}"


def describe(value):
    """The description of numbers, containers, structs and functions.

    Example:
        >>> from jaxglass.host.identity import describe
        >>> describe({"n": 64, "times": (0.5, 2.0), "of": len})
        {'n': 64, 'times': [0.5, 2.0], 'of': {'function': 'builtins:len'}}
    """
    return _Describer().describe(value)


def difference(there, here, name=""):
    """Where two descriptions first differ, as a sentence; None if they are equal.

    Example:
        >>> from jaxglass.host.identity import difference
        >>> difference({"key": [0, 1], "n": 64}, {"key": [0, 1], "n": 128})
        'n is 64 there, 128 here'
    """
    if isinstance(there, dict) and isinstance(here, dict):
        pairs = [(str(k), there.get(k, _ABSENT), here.get(k, _ABSENT)) for k in {**there, **here}]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = [(str(k), a, b) for k, (a, b) in enumerate(zip(there, here, strict=True))]
    elif repr(there) == repr(here):  # tells 1 from True, and NaN from nothing but itself
        return None
    else:
        return f"{name or 'it'} is {_short(there)} there, {_short(here)} here"
    found = (difference(a, b, f"{name}.{key}" if name else key) for key, a, b in pairs)
    return next(filter(None, found), None)


class _Absent:
    def __repr__(self):
        return "absent"


_ABSENT = _Absent()


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


class _Describer:
    """Describes a function, or an object that may hold itself, once; then by its number."""

    def __init__(self):
        self.met = {}  # id -> (number, object); the object is kept, so that its id stays its own

    def describe(self, value):
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, (np.ndarray, np.generic, jax.Array)):
            return self.array(value)
        if isinstance(value, float):
            return value
        if isinstance(value, dict):
            return {str(key): self.describe(item) for key, item in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {
                "struct": name_of(type(value)),
                **self.describe(dict(zip(value._fields, value, strict=True))),
            }
        if isinstance(value, (list, tuple)):
            return [self.describe(item) for item in value]
        if isinstance(value, (set, frozenset)):
            return sorted((self.describe(item) for item in value), key=repr)
        if isinstance(value, (complex, bytes, range, slice, np.dtype, os.PathLike)):
            return repr(value)
        if isinstance(value, ModuleType):
            return {"module": value.__name__}
        if _is_frozen(value):
            return self.struct(value)
        if _is_plain(value):
            return {"function": _name_of_code(value)}
        if id(value) in self.met:
            return {"as above": self.met[id(value)][0]}
        self.met[id(value)] = (len(self.met), value)
        if isinstance(value, type):
            return {"type": name_of(value), **self.inside(value)}
        if dataclasses.is_dataclass(value):
            return self.struct(value)
        return self.function(value) if callable(value) else self.object(value)

    def array(self, value):
        if is_key(value):
            return f"key {jax.random.key_impl(value)} {self.array(numbers(value))}"
        value = np.asarray(value)
        if value.dtype.kind == "O":
            return self.describe(value.tolist())
        if value.size <= SMALL:
            return f"{value.dtype} {value.tolist()}"
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"{value.dtype} {value.shape} sha256 {digest}"

    def struct(self, value):
        names = [field.name for field in dataclasses.fields(value)]
        fields = {name: self.describe(getattr(value, name)) for name in names}
        return {"struct": name_of(type(value)), **fields, **self.inside(type(value))}

    def function(self, value):
        if isinstance(value, functools.partial):
            given = {"arguments": list(value.args), "keywords": value.keywords}
            return {"partial": self.describe(value.func), **self.describe(given)}
        if isinstance(value, MethodType):
            return {"method": self.describe(value.__func__), "of": self.describe(value.__self__)}
        if not isinstance(value, FunctionType):
            inner = getattr(value, "__wrapped__", None)  # of jax.jit and its like
            return self.object(value) if inner is None else self.describe(inner)
        code = value.__code__
        found = {"function": _name_of_code(value)}
        reads = _closed_over(value)
        if not _is_installed(code.co_filename):
            found["code"] = _digest_of_code(code)
            defaults = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
            found |= {"defaults": self.describe(defaults)} if defaults else {}
            reads = _globals_named(value) | reads
        if reads:
            found["reads"] = {name: self.describe(reads[name]) for name in sorted(reads)}
        return found

    def object(self, value):
        """A named thing by its name, a pytree by its children, an object by its attributes."""
        name = getattr(value, "__qualname__", getattr(value, "__name__", None))
        if isinstance(name, str):
            return {"function": f"{getattr(value, '__module__', None)}:{name}"}
        kind = {"object": name_of(type(value)), **self.inside(type(value))}
        node = jax.tree_util.default_registry.flatten_one_level(value)
        if node is not None:
            return {**kind, "holds": self.describe([*node[0], node[1]])}
        if _is_installed_module(type(value).__module__):
            return kind
        return {**kind, **self.describe(getattr(value, "__dict__", {}))}

    def inside(self, kind):
        """What a class of the user's holds: its methods and plain attributes."""
        if _is_installed_module(kind.__module__):
            return {}
        named = {k: v for k, v in vars(kind).items() if k == "__call__" or not k.startswith("__")}
        plain = lambda v: v.fget if isinstance(v, property) else getattr(v, "__func__", v)
        return {"class": {k: self.describe(plain(v)) for k, v in named.items()}} if named else {}


def _is_frozen(value):
    """Whether a value is a frozen dataclass, which cannot hold itself."""
    parameters = getattr(value, "__dataclass_params__", None)
    return parameters is not None and not isinstance(value, type) and parameters.frozen


def _is_plain(value):
    """Whether a value is an installed function that closes over nothing: its name tells all."""
    return (
        isinstance(value, FunctionType)
        and not value.__closure__
        and _is_installed(value.__code__.co_filename)
    )


def _name_of_code(function):
    """The name of a function where it was written; functools.wraps puts another one into it."""
    return f"{function.__globals__.get('__name__')}:{function.__code__.co_qualname}"


def _is_installed(file):
    """Whether a file of code is Python's, an installed package's or this one's, not the user's."""
    own = (os.path.join(folder, "") for folder in (PYTHON, PACKAGE))
    return file.startswith(("<frozen", *own)) or bool(PACKAGES & set(Path(file).parts))


def _is_installed_module(name):
    file = getattr(sys.modules.get(name), "__file__", None)
    return name != "__main__" and (file is None or _is_installed(file))


def _closed_over(function):
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if _is_bound(cell)}


def _is_bound(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a local name that gets its value later
        return False
    return True


def _globals_named(function):
    names = {name for name in _names(function.__code__) if name in function.__globals__}
    return {name: function.__globals__[name] for name in names}


def _names(code):
    """Names that code and the functions written inside it look up as globals."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _digest_of_code(code):
    return hashlib.sha256(repr(_plain_code(code)).encode()).hexdigest()[:32]


def _plain_code(value):
    """What code does, without the places in memory and in files where it stands."""
    if isinstance(value, CodeType):
        constants = [_plain_code(constant) for constant in value.co_consts]
        return value.co_code, constants, value.co_names, value.co_freevars
    if isinstance(value, tuple):
        return [_plain_code(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    return value
