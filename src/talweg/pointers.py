"""Functions of compiled code as objectives: addresses, and what is known of their C signatures."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talweg import _core
from talweg.completion import completed
from talweg.differences import Differenced, checked_noise, checked_scale
from talweg.quantity import METHODS

#: The bits of `talweg.quantity` by the names of `Objective.from_pointers`.
QUANTITIES = {name: bit for bit, name in METHODS.items()}

# The signatures of talweg/pointers.h, each with an optional `void *user_data` at the end.
_SIGNATURES = {
    "fun": "double (int n, double *x)",
    "grad": "void (int n, double *x, double *out)",
    "hess": "void (int n, double *x, double *out)",
    "hessp": "void (int n, double *x, double *v, double *out)",
    "third": "void (int n, double *x, double *v, double *out)",
    "block": (
        "void (unsigned int quantities, size_t n, size_t lanes, size_t stride, double *x, "
        "double *v, double *value, double *gradient, double *hessian, double *third, "
        "double *hessian_product)"
    ),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """Types of a C function's result and parameters, in one spelling."""

    result: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.result} ({', '.join(self.parameters)})"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A function in compiled code."""

    address: int
    signature: Signature | None  # None where nothing says it
    user_data: int | None = None  # what a LowLevelCallable brings along


def completed_pointers(
    functions: dict[str, Any],
    n: int,
    *,
    block: Any,
    provides: Sequence[str] | None,
    user_data: Any,
    thread_safe: bool,
    bounds: np.ndarray | None,
    scale: Any,
    noise: float,
    verify: bool,
) -> Differenced:
    """The pointers as an objective of the core, completed by differences.

    `functions` holds fun, grad, hess, hessp and third; the arguments are those of
    `talweg.Objective.from_pointers`, with `n` and `bounds` checked.
    """
    if not isinstance(thread_safe, (bool, np.bool_)):
        raise TypeError(f"thread_safe: want True or False, got {thread_safe!r}")
    noise = checked_noise(noise)
    scale = checked_scale(scale, n)
    make = _of_points if block is None else _of_blocks
    core, available = make(functions, block, provides, n, user_data, bool(thread_safe))
    return completed(core, available, bounds=bounds, scale=scale, noise=noise, verify=verify)


def _of_points(
    functions: dict[str, Any],
    block: None,
    provides: Any,
    n: int,
    user_data: Any,
    thread_safe: bool,
) -> tuple[Any, int]:
    if provides is not None:
        raise TypeError("provides: it says what a block function knows, and block is not given")
    if functions["fun"] is None:
        raise TypeError("fun: want a function pointer, got None; or give block")
    address = user_data_address(user_data)
    checked = {name: _checked(function, name, address) for name, function in functions.items()}
    _refuse_unused(user_data, [function for function in checked.values() if function])
    owner = (tuple(functions.values()), user_data)
    core = _core.point_pointer_objective(n, **checked, thread_safe=thread_safe, owner=owner)
    return core, sum(QUANTITIES[name] for name, function in checked.items() if function)


def _of_blocks(
    functions: dict[str, Any],
    block: Any,
    provides: Sequence[str] | None,
    n: int,
    user_data: Any,
    thread_safe: bool,
) -> tuple[Any, int]:
    for name, function in functions.items():
        if function is not None:
            raise TypeError(f"block: want it alone, got {name} too")
    provided = _provided(provides)
    function = _checked(block, "block", user_data_address(user_data))
    _refuse_unused(user_data, [function])
    owner = (block, user_data)
    core = _core.block_pointer_objective(n, function, provided, thread_safe, owner)
    return core, provided


def _provided(provides: Sequence[str] | None) -> int:
    known = ", ".join(map(repr, QUANTITIES))
    if provides is None or isinstance(provides, str):
        raise TypeError(
            f"provides: want the names of what block computes, of {known}, got {provides!r}"
        )
    for name in provides:
        if name not in QUANTITIES:
            raise ValueError(f"provides: want names of {known}, got {name!r}")
    if "fun" not in provides:
        raise ValueError("provides: want 'fun' among them, got " + repr(tuple(provides)))
    return sum({QUANTITIES[name] for name in provides})


def _refuse_unused(user_data: Any, functions: list[Any]) -> None:
    if user_data is not None and not any(takes_user_data for *_, takes_user_data in functions):
        raise ValueError("user_data: no function has a last parameter void *user_data for it")


def _checked(function: Any, name: str, user_data: int) -> tuple[int, int, bool] | None:
    """(address, user data, whether the function takes it), after a look at the signature."""
    if function is None:
        return None
    pointer = read_pointer(function, name)
    if pointer.address == 0:
        raise ValueError(f"{name}: the function's address is null")
    own = user_data if pointer.user_data is None else pointer.user_data
    if pointer.signature is None:
        return pointer.address, own, True
    wanted = parse_signature(_SIGNATURES[name])
    full = Signature(wanted.result, (*wanted.parameters, "void*"))
    if pointer.signature not in (wanted, full):
        raise TypeError(
            f"{name}: want a function {_SIGNATURES[name][:-1]}, void *user_data), or one without "
            f"the last parameter, got {pointer.signature}"
        )
    return pointer.address, own, pointer.signature == full


# Signatures.

_SPELLINGS = {
    "unsigned": "unsigned int",
    "float64": "double",
    "int32": "int",
    "uint32": "unsigned int",
    "none": "void",
}
if ctypes.sizeof(ctypes.c_size_t) == 8:
    _SPELLINGS |= {"uint64": "size_t", "uint64_t": "size_t"}
for _alias, _type in (
    ("unsigned long", ctypes.c_ulong),
    ("unsigned long long", ctypes.c_ulonglong),
):
    if ctypes.sizeof(_type) == ctypes.sizeof(ctypes.c_size_t):
        _SPELLINGS[_alias] = "size_t"


def parse_signature(text: str) -> Signature:
    """Read ``double (int n, double *x)``; names of parameters and const do not count."""
    match = re.fullmatch(r"\s*([^()]+?)\s*\((.*)\)\s*", text, re.DOTALL)
    if not match:
        raise ValueError(f"not a C signature: {text!r}")
    parameters = [_type_name(part) for part in match[2].split(",") if part.strip()]
    if parameters == ["void"]:
        parameters = []
    return Signature(_type_name(match[1]), tuple(parameters))


_NAMES_OF_TYPES = frozenset(
    "void double float char short int long unsigned signed size_t float64 int32 uint32 uint64 none "
    "uint64_t".split()
)


def _type_name(text: str) -> str:
    words = [word for word in re.findall(r"\w+", text) if word != "const"]
    # After the words of the type there may be the parameter's name.
    while len(words) > 1 and words[-1] not in _NAMES_OF_TYPES:
        words.pop()
    # Cython's names of NumPy's types end in theirs.
    base = "double" if words[-1].endswith("float64_t") else " ".join(words)
    return _SPELLINGS.get(base, base) + "*" * text.count("*")


# Reading what Python objects say.


def read_pointer(function: Any, name: str) -> Pointer:
    """The address and signature of any kind of function pointer.

    Parameters
    ----------
    function : object
        A numba cfunc, a capsule of a Cython module, ``(module, "name")``, a
        `scipy.LowLevelCallable` or a ctypes function.
    name : str
        The argument's name, for errors.

    Raises
    ------
    TypeError
        When it is none of these, or a Python function in disguise.
    """
    module = type(function).__module__
    if module.startswith("scipy.") and type(function).__name__ == "LowLevelCallable":
        # The pair's first part is a capsule with the address, its second what it was made from.
        _refuse_python(function.function, name)
        return _read_capsule(tuple(function)[0], name, with_user_data=True)
    if type(function).__name__ == "PyCapsule":
        return _read_capsule(function, name)
    if isinstance(function, tuple) and len(function) == 2 and isinstance(function[1], str):
        return _read_capsule(_exported(*function, name), name)
    if isinstance(function, ctypes._CFuncPtr):  # type: ignore[attr-defined]
        return _read_ctypes(function, name)
    if module.startswith("numba.") and hasattr(function, "address"):
        signature = function._sig
        types = (_type_name(str(argument)) for argument in signature.args)
        return Pointer(
            function.address, Signature(_type_name(str(signature.return_type)), tuple(types))
        )
    if module.startswith("numba."):
        raise TypeError(
            f"{name}: want a numba.cfunc, got a function compiled by numba's jit, which has no C "
            "signature; call it in a numba.cfunc"
        )
    if isinstance(function, (int, np.integer)):
        raise TypeError(
            f"{name}: want a function pointer, got a number; make it a function with "
            "ctypes.CFUNCTYPE(result, *parameters)(address), which says the signature"
        )
    if callable(function):
        raise TypeError(
            f"{name}: want a function pointer, got a Python {type(function).__name__}; use "
            "Objective(fun, n) to record it or Objective.from_callables to call it"
        )
    raise TypeError(
        f"{name}: want a numba cfunc, a capsule of a Cython module, (module, 'name'), a "
        f"scipy.LowLevelCallable or a ctypes function, got {type(function).__name__}"
    )


def _exported(module: Any, function: str, name: str) -> Any:
    exported = getattr(module, "__pyx_capi__", None)
    if exported is None:
        raise TypeError(f"{name}: {module!r} is no Cython module that exports C functions")
    if function not in exported:
        raise ValueError(
            f"{name}: the module {module.__name__} exports no C function {function!r} (declare it "
            f"'cdef api' or in a .pxd); it has {', '.join(sorted(exported)) or 'none'}"
        )
    return exported[function]


def _read_capsule(capsule: Any, name: str, with_user_data: bool = False) -> Pointer:
    api = ctypes.pythonapi
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", api)
    )
    text = get_name(capsule)
    address = get_pointer(capsule, text)
    user_data = None
    if with_user_data:
        get_context = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(
            ("PyCapsule_GetContext", api)
        )
        user_data = get_context(capsule)
    if text is None:
        return Pointer(address, None, user_data)
    try:
        signature = parse_signature(text.decode())
    except ValueError:
        raise TypeError(
            f"{name}: want a capsule that is named by a C signature, got {text.decode()!r}"
        ) from None
    return Pointer(address, signature, user_data)


def _read_ctypes(function: Any, name: str) -> Pointer:
    _refuse_python(function, name)
    if function.argtypes is None:
        raise TypeError(
            f"{name}: the ctypes function does not say its signature; set its restype and argtypes "
            f"to those of {_SIGNATURES[name]}"
        )
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    parameters = tuple(_ctypes_name(parameter) for parameter in function.argtypes)
    return Pointer(address, Signature(_ctypes_name(function.restype), parameters))


def _ctypes_name(kind: Any) -> str:
    if kind is None:
        return "void"
    if kind is ctypes.c_void_p:
        return "void*"
    if isinstance(kind, type) and issubclass(kind, ctypes._Pointer):
        return _ctypes_name(kind._type_) + "*"
    if getattr(kind, "_dtype_", None) is not None:  # numpy.ctypeslib.ndpointer
        return _SPELLINGS.get(str(kind._dtype_), str(kind._dtype_)) + "*"
    names = {
        ctypes.c_double: "double",
        ctypes.c_int: "int",
        ctypes.c_uint: "unsigned int",
        ctypes.c_size_t: "size_t",
    }
    return names.get(kind, getattr(kind, "__name__", repr(kind)))


def _refuse_python(function: Any, name: str) -> None:
    """Compiled code cannot see the exceptions of a Python function that is called through C."""
    if _wraps_python(function):
        raise TypeError(
            f"{name}: a Python function wrapped by {type(function).__module__.split('.')[0]} would "
            "lose its exceptions; give the function itself to Objective(fun, n) or "
            "Objective.from_callables"
        )


def _wraps_python(function: Any) -> bool:
    if type(function).__module__ == "_cffi_backend":
        return " calling <" in repr(function)
    pending, seen = [getattr(function, "_objects", None)], set()
    while pending:
        kept = pending.pop()
        if id(kept) in seen:
            continue
        seen.add(id(kept))
        if type(kept).__name__ == "CThunkObject":
            return True
        if isinstance(kept, dict):
            pending += kept.values()
        elif isinstance(kept, ctypes._SimpleCData | ctypes._CFuncPtr):  # type: ignore[attr-defined]
            pending.append(kept._objects)
    return False


def user_data_address(user_data: Any) -> int:
    """The address that functions get as their last argument.

    Raises
    ------
    TypeError
        When `user_data` has no address.
    """
    if user_data is None:
        return 0
    if isinstance(user_data, np.ndarray):
        return int(user_data.ctypes.data)
    if isinstance(user_data, ctypes.c_void_p):
        return user_data.value or 0
    if isinstance(user_data, ctypes._Pointer):
        return ctypes.cast(user_data, ctypes.c_void_p).value or 0
    if isinstance(user_data, (ctypes.Structure, ctypes.Array, ctypes._SimpleCData)):
        return ctypes.addressof(user_data)
    raise TypeError(
        "user_data: want an array, a ctypes object or a ctypes pointer, got "
        + type(user_data).__name__
    )
