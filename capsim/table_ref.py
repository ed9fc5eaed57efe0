"""Tables by address: how compiled code holds the named tuples of arrays that it is given.

numba passes a tuple by value: seven numbers an array, a hundred arrays a kernel, and the compiler takes its time over
each. By address a table is one argument, and what a kernel does not touch costs nothing (docs/decisions/0001).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import config as numba_config
from numba.core.cgutils import alloca_once
from numba.core.datamodel.models import PrimitiveModel
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.core.typing.typeof import typeof_impl
from numba.extending import NativeValue, intrinsic, unbox

PLAIN = bool(numba_config.DISABLE_JIT)
_PACKED: dict[str, Any] = {}
"""Type of what was packed, by name."""


class TableRef(numba.types.Type):  # type: ignore[misc]
    """A named tuple of arrays, or of such tuples."""

    def __init__(self, table: Any) -> None:
        self.table = table
        super().__init__(f"Ref{table}")

    @property
    def key(self) -> Any:
        return self.table

    @property
    def mangling_args(self) -> Any:
        digest = hashlib.sha256(self.table.name.encode()).hexdigest()[:8]
        return f"Ref{self.table.instance_class.__name__}{digest}", ()


@register_default(TableRef)
class _TableRefModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, ref: TableRef) -> None:
        super().__init__(manager, ref, manager.lookup(ref.table).get_value_type().as_pointer())


def _field(ref: TableRef, name: str) -> tuple[int, Any]:
    place = ref.table.fields.index(name)
    return place, ref.table.types[place]


def _by_reference(kind: Any) -> Any:
    return TableRef(kind) if isinstance(kind, numba.types.BaseNamedTuple) else kind


@infer_getattr
class _TableRefFields(AttributeTemplate):  # type: ignore[misc]
    key = TableRef

    def generic_resolve(self, ref: TableRef, name: str) -> Any:
        return _by_reference(_field(ref, name)[1]) if name in ref.table.fields else None


@lower_getattr_generic(TableRef)  # type: ignore[untyped-decorator]
def _load_field(context: Any, builder: Any, ref: TableRef, pointer: Any, name: str) -> Any:
    place, kind = _field(ref, name)
    address = _element(builder, pointer, (place,))
    if isinstance(kind, numba.types.BaseNamedTuple):
        return address
    value = builder.load(address)
    # Nobody writes to a table of arrays while a kernel runs (to the arrays they do).
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@unbox(TableRef)  # type: ignore[untyped-decorator]
def _unbox_table(ref: TableRef, value: Any, c: Any) -> Any:
    native = c.unbox(ref.table, value)
    pointer = alloca_once(c.builder, native.value.type)
    for place in _leaves(native.value.type):
        c.builder.store(c.builder.extract_value(native.value, place), _element(c.builder, pointer, place))
    return NativeValue(pointer, is_error=native.is_error, cleanup=native.cleanup)


_typeof_tuple = typeof_impl.dispatch(tuple)


def _is_ours(of: type) -> bool:
    """Tuples of other packages stay what numba makes of them, in a program that uses both."""
    return of.__module__.partition(".")[0] == __name__.partition(".")[0]


def _typeof_table(value: Any, context: Any) -> Any:
    kind = _typeof_tuple(value, context)
    if not isinstance(kind, numba.types.BaseNamedTuple) or not _is_ours(kind.instance_class):
        return kind
    parts = [part.table if isinstance(part, TableRef) else part for part in kind.types]
    if not all(isinstance(part, (numba.types.Array, numba.types.BaseNamedTuple)) for part in parts):
        return kind
    return TableRef(numba.types.BaseTuple.from_types(parts, kind.instance_class))


typeof_impl.register(tuple, _typeof_table)


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
    """Copy a table, as compiled code holds it, into an int64 buffer. For entries."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _pointer(context, builder, signature.args[1], args[1], args[0].type.pointee)
        for place in _leaves(args[0].type.pointee):
            builder.store(builder.load(_element(builder, args[0], place)), _element(builder, target, place))
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
            kind = context.get_value_type(signature.return_type.table)
            return _pointer(context, builder, signature.args[0], args[0], kind)

        return _PACKED[name](buffer), generate

    return unpack


def describe_tables(function: Any) -> None:
    """Tell LLVM of the tables that ``function`` gets: they are there as a whole, and nobody writes to them."""
    for argument in function.args:
        if argument.name.startswith("arg.") and isinstance(argument.type, ir.PointerType):
            argument.attributes.dereferenceable = 8 * len(_leaves(argument.type.pointee))
            argument.attributes.add("noalias")
            argument.attributes.add("nonnull")
