"""The only file that knows numba's options: how capsim compiles and caches its kernels.

Decorators:

* ``@kernel``: a compiled function that only other kernels call. It has no Python wrapper (half the compile time), so
  that calling it from Python would be a segmentation fault: a gate in ``tests/gates`` keeps Python from doing so.
* ``@separate_kernel``: the same, never inlined.
* ``@inline_kernel``: the same, inlined into its callers by LLVM (small functions that take many arrays).
* ``@shared_kernel``: inlined likewise, and Python may call it too (random draws).
* ``@carrier_kernel``: inlined likewise; takes the whole state and only hands parts of it on.
* ``@entry``: a compiled function that Python may call.

With ``NUMBA_DISABLE_JIT=1`` all return the plain Python function. With ``CAPSIM_WRAP_KERNELS=1`` kernels are
built with wrappers, so that tests can call each of them.

Options that are not numba's default, and why (measured on a prototype: 74 s -> 20 s of compilation, 15 times the
speed):

* ``_nrt=False``: no reference counts on arrays inside kernels. Private to numba, so numba's version is pinned and
  ``tests/test_jit.py`` guards it. A kernel that allocates does not compile, which is the rule of the house anyway.
* ``no_cpython_wrapper``, ``no_cfunc_wrapper`` on everything but entries.
* ``forceinline`` on small inner kernels: tuples go by value, and a call with 90 arrays copies about 5 kB.
* ``error_model="numpy"``: division does not test for zero; kernels test where zero can happen.

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
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba import _dynfunc
from numba.core import config as numba_config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext
from numba.core.types import unliteral  # type: ignore[attr-defined]
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

PLAIN = bool(numba_config.DISABLE_JIT)
WRAP_KERNELS = os.environ.get("CAPSIM_WRAP_KERNELS", "") == "1"
BOUNDSCHECK = bool(numba_config.BOUNDSCHECK)

_PACKAGE = Path(__file__).resolve().parent
_SHARED = ("jit.py",)
_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy", "fastmath": False, "nogil": False}


def cache_root() -> Path:
    """Folder that holds compiled kernels: ``$CAPSIM_CACHE_DIR``, else ``~/.cache/capsim`` or its XDG equivalent."""
    chosen = os.environ.get("CAPSIM_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "capsim"


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


class _ModuleCache(FunctionCache):  # type: ignore[misc]
    _impl_class = _ModuleCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """As numba's, without filling its registries first (0.1 s): what is loaded is machine code."""
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


# Inner kernels never run by themselves: only the entry that they are linked into does. Optimising each of them, and
# generating machine code for each, is three quarters of numba's compile time (every level compiles its callees again).
# The libraries of inner kernels, known by the prefix of their name, are linked and left alone.
_INNER = "capsim_inner."
_CARRIER = "capsim_inner.carrier."
_SEPARATE = "capsim_inner.separate."
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


def _leave_functions(original: Callable[..., Any]) -> Callable[..., Any]:
    """Function passes take seconds over the thousands of struct moves of a function that hands the whole state on."""

    def optimize_functions(self: Any, module: Any) -> None:
        if self.name.startswith(_CARRIER):
            module.data_layout = self._codegen._data_layout
        else:
            original(self, module)

    return optimize_functions


def _alone_in_the_entry(original: Callable[..., Any]) -> Callable[..., Any]:
    """Inner kernels are nobody else's: as internal functions of the entry they lose the arguments that they do not
    use (a table is some 8 numbers an array), and their bodies once they are inlined."""

    def optimize_final_module(self: Any) -> None:
        for function in self._final_module.functions:
            if _INNER_MANGLED in function.name and not function.is_declaration:
                function.linkage = "internal"
        original(self)

    return optimize_final_module


def _keep_separate(original: Callable[..., Any]) -> Callable[..., Any]:
    def declare_function(self: Any, module: Any, fndesc: Any) -> Any:
        function = original(self, module, fndesc)
        if fndesc.qualname.startswith(_SEPARATE):
            function.attributes.discard("alwaysinline")
            function.attributes.add("noinline")
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
    CPUCodeLibrary._optimize_functions = _leave_functions(CPUCodeLibrary._optimize_functions)
    JITCPUCodegen.set_env = _set_env_where_known(JITCPUCodegen.set_env)
    CPUCodeLibrary._optimize_final_module = _alone_in_the_entry(CPUCodeLibrary._optimize_final_module)
    CPUContext.declare_function = _keep_separate(CPUContext.declare_function)
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


def _compile(function: Any, *, wrapped: bool, forceinline: bool, carrier: bool = False, separate: bool = False) -> Any:
    if PLAIN:
        return function
    options = dict(_OPTIONS)
    inner = not (wrapped or WRAP_KERNELS)
    if inner:
        options.update(no_cpython_wrapper=True, no_cfunc_wrapper=True)
        prefix = _CARRIER if carrier else _SEPARATE if separate else _INNER
        function.__qualname__ = f"{prefix}{function.__module__}.{function.__name__}"
    # Said either way: what is not said is inherited from whoever is compiled at the moment.
    options["forceinline"] = forceinline or not (wrapped or separate)
    dispatcher = numba.njit(**options)(function)
    _without_literals(dispatcher)
    if not carrier and _is_ours(function.__code__.co_filename):
        try:
            dispatcher._cache = _ModuleCache(function)
        except RuntimeError:
            pass  # no locator: nothing can be written, run uncached
    return dispatcher


def kernel(function: F) -> F:
    """Compile a function that only kernels call."""
    return _compile(function, wrapped=False, forceinline=False)  # type: ignore[no-any-return]


def separate_kernel(function: F) -> F:
    """Compile a function that only kernels call and that stays a function: large ones with many callers."""
    return _compile(function, wrapped=False, forceinline=False, separate=True)  # type: ignore[no-any-return]


def inline_kernel(function: F) -> F:
    """Compile a small function that only kernels call, inlined into each caller."""
    return _compile(function, wrapped=False, forceinline=True)  # type: ignore[no-any-return]


def carrier_kernel(function: F) -> F:
    """Compile a function that takes the whole state and only hands parts of it on."""
    return _compile(function, wrapped=False, forceinline=True, carrier=True)  # type: ignore[no-any-return]


def shared_kernel(function: F) -> F:
    """Compile a small function for kernels, inlined into each caller, and for Python."""
    return _compile(function, wrapped=True, forceinline=True)  # type: ignore[no-any-return]


def entry(function: F) -> F:
    """Compile a function that Python calls."""
    return _compile(function, wrapped=True, forceinline=False)  # type: ignore[no-any-return]


_PACKED: dict[str, Any] = {}
"""numba's types of packed tuples, by name: known once one has been packed."""


class Packing:
    """Tuples of arrays, looked at once each: at every call, numba takes 0.3 us for each array of an argument.

    ``name`` is that of ``unpack_kernel``; ``pack`` an entry that hands its two arguments to ``pack_into``. All tuples
    packed under a name have one type.
    """

    def __init__(self, name: str, pack: Any) -> None:
        self.name = name
        self.pack = pack
        self.seen: Any = None
        self.buffer: Any = None

    def of(self, value: Any) -> Any:
        """What to pass to entries instead of ``value``; in plain mode ``value`` itself."""
        if PLAIN or value is self.seen:
            return value if PLAIN else self.buffer
        if self.name not in _PACKED:
            _PACKED[self.name] = numba.typeof(value)
        if self.buffer is None:
            self.buffer = np.zeros(_arrays(value) * _WORDS_PER_ARRAY, np.int64)
        self.pack(value, self.buffer)
        if len(self.pack.overloads) > 1:
            raise TypeError(f"{self.name}: tables of another type than those compiled")
        self.seen = value  # keeps the arrays alive
        return self.buffer


def _arrays(value: Any) -> int:
    return sum(map(_arrays, value)) if isinstance(value, tuple) else 1


_WORDS_PER_ARRAY = 16
"""numba's array has 5 words and 2 for each dimension."""


def _leaves(kind: Any, place: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Index path of every scalar in an LLVM type."""
    parts = list(kind.elements) if isinstance(kind, ir.LiteralStructType) else None
    if isinstance(kind, ir.ArrayType):
        parts = [kind.element] * kind.count
    if parts is None:
        return [place]
    return [leaf for i, part in enumerate(parts) for leaf in _leaves(part, (*place, i))]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(data, kind.as_pointer())


def _element(builder: Any, pointer: Any, place: tuple[int, ...]) -> Any:
    zero = ir.IntType(32)(0)
    return builder.gep(pointer, [zero, *(ir.IntType(32)(i) for i in place)], inbounds=True)


@intrinsic  # type: ignore[untyped-decorator]
def pack_into(typing: Any, value: Any, buffer: Any) -> Any:
    """Store a tuple of arrays, as compiled code holds it, in an int64 buffer. For entries."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[1], args[1], args[0].type)
        for place in _leaves(args[0].type):
            builder.store(builder.extract_value(args[0], place), _element(builder, pointer, place))
        return context.get_dummy_value()

    return numba.types.void(value, buffer), generate


def unpack_kernel(name: str) -> Any:
    """A function for entries: the tuple of arrays that was packed under ``name``, from its buffer.

    numba looks at every array of an argument at every call (0.3 us each); of a packed tuple only once.
    """

    if PLAIN:
        return lambda value: value

    @intrinsic  # type: ignore[untyped-decorator]
    def unpack(typing: Any, buffer: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_value_type(signature.return_type)
            pointer = _pointer(context, builder, signature.args[0], args[0], kind)
            value = ir.Constant(kind, ir.Undefined)
            for place in _leaves(kind):
                value = builder.insert_value(value, builder.load(_element(builder, pointer, place)), place)
            return value

        return _PACKED[name](buffer), generate

    return unpack


def prune_cache(keep_per_module: int = 2) -> int:
    """Delete all but the newest cache folders of each module; returns how many were deleted."""
    by_module: dict[str, list[Path]] = {}
    root = cache_root()
    for folder in root.glob("*-*") if root.is_dir() else ():
        by_module.setdefault(folder.name.rsplit("-", 1)[0], []).append(folder)
    deleted = 0
    for folders in by_module.values():
        folders.sort(key=lambda f: f.stat().st_mtime, reverse=True)
        for folder in folders[keep_per_module:]:
            shutil.rmtree(folder, ignore_errors=True)
            deleted += 1
    return deleted
