"""The only file that knows numba's options: how capsim compiles and caches its kernels.

Decorators:

* ``@kernel``: a compiled function that only other kernels call. It has no Python wrapper (half the compile time), so
  that calling it from Python would be a segmentation fault: a gate in ``tests/gates`` keeps Python from doing so.
* ``@inline_kernel``: the same, small: LLVM is asked to inline it. ``@separate_kernel``: never inlined.
* ``@shared_kernel``: always inlined, and Python may call it too (random draws).
* ``@entry``: a compiled function that Python may call.

With ``NUMBA_DISABLE_JIT=1`` all return the plain Python function. With ``CAPSIM_WRAP_KERNELS=1`` kernels are
built with wrappers, so that tests can call each of them.

What is not as numba does it, and why (docs/decisions/0001):

* Tables are passed by address (``TableRef``), not as some seven numbers for each of their arrays.
* ``_nrt=False``: no reference counts on arrays inside kernels. Private to numba, so numba's version is pinned and
  ``tests/test_jit.py`` guards it. A kernel that allocates does not compile, which is the rule of the house anyway.
* ``no_cpython_wrapper``, ``no_cfunc_wrapper`` on everything but entries.
* ``error_model="numpy"``: division does not test for zero; kernels test where zero can happen.
* Kernels are linked into their entry and are neither optimised nor turned into machine code before.
* Of an entry, machine code alone is cached: nothing may be linked to it (no kernel calls an entry; a gate looks).

Compiled code is cached in one folder per module, named by a digest of the module's source, of all capsim modules that
it imports (transitively), of ``capsim.state``, of this file, of the flags and of the numba and numpy versions:
numba's own stamp covers a single file, and was seen to return stale results when a function in another file changed.
Where no folder can be written, kernels run uncached.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numba
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numba import _dynfunc
from numba.core import config as numba_config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext
from numba.core.types import unliteral  # type: ignore[attr-defined]

from capsim.kernel_cache import cache_root
from capsim.table_ref import TableRef, describe_tables

F = TypeVar("F", bound=Callable[..., Any])

PLAIN = bool(numba_config.DISABLE_JIT)
WRAP_KERNELS = os.environ.get("CAPSIM_WRAP_KERNELS", "") == "1"
BOUNDSCHECK = bool(numba_config.BOUNDSCHECK)

_PACKAGE = Path(__file__).resolve().parent
_SHARED = ("jit.py", "table_ref.py")
_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy", "fastmath": False, "nogil": False}


@functools.cache
def _source(path: Path) -> bytes:
    return path.read_bytes()


_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(capsim[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)


def imported_names(source: bytes) -> set[str]:
    """capsim modules and names that the lines of a module import; read as text, because parsing all modules that the
    kernels need would take a quarter of a second at every start."""
    found: set[str] = set()
    for module, names, modules in _IMPORT.findall(source):
        listed = re.sub(rb"#[^\n]*", b"", names or modules).strip(b"()").split(b",")
        first = [words[0].decode() for words in (part.split() for part in listed) if words]
        if module:
            found.update([module.decode(), *(f"{module.decode()}.{name}" for name in first)])
        else:
            found.update(name for name in first if name.startswith("capsim"))
    return found


@functools.cache
def _imports(path: Path) -> frozenset[Path]:
    """capsim modules that the module at ``path`` imports by name, as files."""
    return frozenset(file for name in imported_names(_source(path)) for file in _files_of(name))


@functools.cache
def _files_of(module: str) -> list[Path]:
    place = _PACKAGE.joinpath(*module.split(".")[1:])
    if place.is_dir():
        return [place / "__init__.py"]
    return [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else []


@functools.cache
def _closure(path: Path) -> frozenset[Path]:
    seen: set[Path] = set()
    todo = [path]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo.extend(_imports(here))
    return frozenset(seen)


@functools.cache
def _toolchain() -> str:
    flags = f"{sorted(_OPTIONS.items())} wrap={WRAP_KERNELS} bounds={BOUNDSCHECK} opt={numba_config.OPT}"
    return f"{sys.version_info[:3]} numba {numba.__version__} numpy {np.__version__} {flags}"


@functools.cache
def module_digest(path: Path) -> str:
    """Digest of everything that the compiled form of the kernels in ``path`` depends on."""
    digest = hashlib.sha256(_toolchain().encode())
    files = _closure(path) | {_PACKAGE / name for name in _SHARED} | set((_PACKAGE / "state").glob("tables*.py"))
    for part in sorted(files):
        digest.update(str(part.relative_to(_PACKAGE)).encode())
        digest.update(_source(part))
    return digest.hexdigest()[:20]


@functools.cache
def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@functools.cache
def _is_ours(py_file: str) -> bool:
    return Path(py_file).resolve().is_relative_to(_PACKAGE)


@functools.cache
def _place_of(py_file: str) -> tuple[str, str]:
    """Folder of a module's compiled kernels, and the digest in its name."""
    path = Path(py_file).resolve()
    stem, digest = ".".join(path.relative_to(_PACKAGE).with_suffix("").parts), module_digest(path)
    return str(cache_root() / f"{stem}-{digest}"), digest


class _ModuleLocator(_CacheLocator):  # type: ignore[misc]
    """Places the cache of one module in a folder named by its digest."""

    def __init__(self, py_file: str) -> None:
        self._py_file = py_file
        self._folder, self._digest = _place_of(py_file)

    def get_cache_path(self) -> str:
        return self._folder

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return ""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _ModuleLocator | None:
        if not _writable(cache_root()):
            return None
        return cls(py_file) if _writable(Path(_place_of(py_file)[0])) else None


class _ModuleCacheImpl(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes: ClassVar[list[type]] = [_ModuleLocator]


class _EntryCacheImpl(_ModuleCacheImpl):
    """Entries are linked into nothing: their bitcode, and what inner kernels would need to run by themselves, are not
    kept. Reading them is half of the time that loading takes."""

    def reduce(self, data: Any) -> Any:
        (name, kind, (machine_code, _)), *rest, environments = super().reduce(data)
        address_of = data.library.codegen._engine.get_global_value_address
        kept = tuple(env for env in environments if address_of(env.env_name))
        of = data.fndesc
        names = [of.mangled_name, of.llvm_func_name, of.llvm_cpython_wrapper_name, of.llvm_cfunc_wrapper_name]
        return ((name, kind, (machine_code, _named(names))), *rest, kept)


def _named(names: list[str]) -> bytes:
    """Bitcode of empty functions: numba reads from it what the machine code defines."""
    module = ir.Module()
    for name in dict.fromkeys(names):
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), ()), name)
        ir.IRBuilder(function.append_basic_block()).ret_void()
    return bytes(llvm.parse_assembly(str(module)).as_bitcode())


class _ModuleCache(FunctionCache):  # type: ignore[misc]
    _impl_class = _ModuleCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """As numba's, without filling its registries first (0.1 s): what is loaded is machine code."""
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


class _EntryCache(_ModuleCache):
    _impl_class = _EntryCacheImpl


# Inner kernels never run by themselves: only the entry that they are linked into does. Optimising each of them, and
# generating machine code for each, is three quarters of numba's compile time (every level compiles its callees again).
# The libraries of inner kernels, known by the prefix of their name, are linked and left alone.
_INNER = "capsim_inner."
_SEPARATE = "capsim_inner.separate."
_HINT = "capsim_inner.hint."
_INNER_MANGLED = "capsim_inner"


def _is_inner(library: Any) -> bool:
    return bool(library.name.startswith(_INNER))


def _skip_for_inner(cls: Any, name: str, replacement: Callable[..., Any]) -> None:
    original = getattr(cls, name)

    @functools.wraps(original)
    def chosen(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replacement(self, *args, **kwargs) if _is_inner(self) else original(self, *args, **kwargs)

    setattr(cls, name, chosen)


def _keep_linkable(self: Any) -> None:
    self._finalize_dynamic_globals()
    self._finalized = True


def _link_only(self: Any) -> None:
    """CPUCodeLibrary.finalize without optimisation, verification and machine code."""
    self._raise_if_finalized()
    for library in dict.fromkeys(self._linking_libraries):
        self._reload_init.update(library._reload_init)
        self._final_module.link_in(library._get_module_for_linking(), preserve=True)
    self._finalize_final_module()


def _alone_in_the_entry(original: Callable[..., Any]) -> Callable[..., Any]:
    """Inner kernels are nobody else's: as internal functions of the entry they lose their bodies once they are
    inlined, and one with a single caller always is."""

    def optimize_final_module(self: Any) -> None:
        for function in self._final_module.functions:
            if _INNER_MANGLED in function.name and not function.is_declaration:
                function.linkage = "internal"
        original(self)

    return optimize_final_module


def _attributed(original: Callable[..., Any]) -> Callable[..., Any]:
    """What LLVM is told about a function and about the tables that it gets."""

    def declare_function(self: Any, module: Any, fndesc: Any) -> Any:
        function = original(self, module, fndesc)
        if fndesc.qualname.startswith(_SEPARATE):
            function.attributes.add("noinline")
        elif fndesc.qualname.startswith(_HINT):
            function.attributes.add("inlinehint")
        elif not fndesc.inline and not fndesc.qualname.startswith(_INNER):
            # An entry: what its wrapper writes to a table before the call is not to be moved behind the loads.
            if any(isinstance(kind, TableRef) for kind in fndesc.argtypes):
                function.attributes.add("noinline")
        describe_tables(function)
        return function

    return declare_function


def _executable(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
        if not _is_inner(library):
            return original(self, library, fndesc, env)
        name = fndesc.qualname.split(".")[-1]
        return _dynfunc.make_function(fndesc.lookup_module(), name, "inner kernel", 0, env, (library,))

    return get_executable


def _set_env_where_known(original: Callable[..., Any]) -> Callable[..., Any]:
    """Loading from the cache sets the environment of each function, and inner kernels have no address to set it at."""

    def set_env(self: Any, env_name: str, env: Any) -> None:
        if self._engine.get_global_value_address(env_name):
            original(self, env_name, env)

    return set_env


def _install_lean_linking() -> None:
    _skip_for_inner(CPUCodeLibrary, "finalize", _link_only)
    _skip_for_inner(CPUCodeLibrary, "_finalize_final_module", _keep_linkable)
    _skip_for_inner(JITCodeLibrary, "get_pointer_to_function", lambda self, name: 0)
    _skip_for_inner(CPUCodeLibrary, "serialize_using_object_code", CPUCodeLibrary.serialize_using_bitcode)
    JITCPUCodegen.set_env = _set_env_where_known(JITCPUCodegen.set_env)
    CPUCodeLibrary._optimize_final_module = _alone_in_the_entry(CPUCodeLibrary._optimize_final_module)
    CPUContext.declare_function = _attributed(CPUContext.declare_function)
    CPUContext.get_executable = _executable(CPUContext.get_executable)


if not PLAIN:
    _install_lean_linking()


def _without_literals(dispatcher: Any) -> None:
    """Compile one version per type: numba would compile one per literal argument (``touch(marks, w, 1)``)."""
    original = dispatcher.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        plain = tuple(unliteral(arg) for arg in args)
        return original(plain, {name: unliteral(arg) for name, arg in kws.items()})

    dispatcher.get_call_template = get_call_template


def _compile(function: Any, *, wrapped: bool, forceinline: bool = False, prefix: str = _INNER) -> Any:
    if PLAIN:
        return function
    options = dict(_OPTIONS)
    inner = not (wrapped or WRAP_KERNELS)
    alone = wrapped and not forceinline and not WRAP_KERNELS
    if inner:
        options.update(no_cpython_wrapper=True, no_cfunc_wrapper=True)
        function.__qualname__ = f"{prefix}{function.__module__}.{function.__name__}"
    # Said either way: what is not said is inherited from whoever is compiled at the moment.
    options["forceinline"] = forceinline
    dispatcher = numba.njit(**options)(function)
    _without_literals(dispatcher)
    if _is_ours(function.__code__.co_filename):
        try:
            dispatcher._cache = (_EntryCache if alone else _ModuleCache)(function)
        except RuntimeError:
            pass  # no locator: nothing can be written, run uncached
    return dispatcher


def kernel(function: F) -> F:
    """Compile a function that only kernels call."""
    return _compile(function, wrapped=False)  # type: ignore[no-any-return]


def separate_kernel(function: F) -> F:
    """Compile a function that only kernels call and that stays a function: large ones with many callers."""
    return _compile(function, wrapped=False, prefix=_SEPARATE)  # type: ignore[no-any-return]


def inline_kernel(function: F) -> F:
    """Compile a small function that only kernels call, inlined into its callers unless that makes them too large."""
    return _compile(function, wrapped=False, prefix=_HINT)  # type: ignore[no-any-return]


def shared_kernel(function: F) -> F:
    """Compile a small function for kernels, inlined into each caller, and for Python."""
    return _compile(function, wrapped=True, forceinline=True)  # type: ignore[no-any-return]


def entry(function: F) -> F:
    """Compile a function that Python calls."""
    return _compile(function, wrapped=True)  # type: ignore[no-any-return]
