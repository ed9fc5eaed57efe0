"""Many numbers as one short text: integers in as few bytes as they need, or float64; shuffled, zlib, base64.

A resolved scenario holds the traces that it replays in this form. The text is exact: the same numbers come back.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from capsim.scenario.model import problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LISTED = 100
"""Up to this many numbers are written as a list that people can read."""
ALLOWED = "a list of numbers, or the text that capsim writes (f8.zlib:…, u4.zlib:…)"
_TYPES = ("u1", "u2", "u4", "u8", "f8")


class PackedText(str):
    """A packed text: where several series hold the same one, it is written once (a YAML anchor)."""

    __slots__ = ()


def pack(values: NDArray[Any]) -> PackedText:
    """The text of an array.

    >>> import numpy as np
    >>> unpack(pack(np.array([3, 1, 70000]))).tolist()
    [3.0, 1.0, 70000.0]
    """
    import numpy as np

    kind = _smallest(values)
    plain = np.ascontiguousarray(values, dtype="<" + kind)
    shuffled = plain.view(np.uint8).reshape(len(plain), plain.itemsize).T.tobytes()
    return PackedText(f"{kind}.zlib:" + base64.b64encode(zlib.compress(shuffled, 6)).decode())


def _smallest(values: NDArray[Any]) -> str:
    import numpy as np

    if not len(values) or values.min() < 0 or values.max() >= 2**53 or (np.rint(values) != values).any():
        return "f8"
    size = int(values.max())
    return "u1" if size < 2**8 else "u2" if size < 2**16 else "u4" if size < 2**32 else "u8"


def unpack(text: str) -> NDArray[np.float64]:
    """The numbers of a packed text, float64. Raises ValueError for anything else."""
    import numpy as np

    kind, separator, body = text.partition(".zlib:")
    if not separator or kind not in _TYPES:
        raise ValueError("not a packed text")
    try:
        data = zlib.decompress(base64.b64decode(body, validate=True))
    except (binascii.Error, zlib.error):
        raise ValueError("a damaged packed text") from None
    size = int(kind[1])
    if len(data) % size:
        raise ValueError("a damaged packed text")
    shuffled = np.frombuffer(data, np.uint8).reshape(size, len(data) // size)
    return np.ascontiguousarray(shuffled.T).view("<" + kind).ravel().astype(np.float64)


class Numbers:
    """An array that packs itself when it is written, or a text that unpacks itself when it is read."""

    __slots__ = ("_text", "_values")

    def __init__(self, values: NDArray[np.float64] | None = None, text: str | None = None) -> None:
        self._values, self._text = values, PackedText(text) if text is not None else None

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers, float64."""
        if self._values is None:
            assert self._text is not None
            self._values = unpack(self._text)
        return self._values

    def written(self) -> Any:
        """A list of a few numbers, or the packed text of many."""
        if len(self.values) <= LISTED:
            return self.values.tolist()
        if self._text is None:
            self._text = pack(self.values)
        return self._text

    def __eq__(self, other: object) -> bool:
        import numpy as np

        return isinstance(other, Numbers) and (self is other or np.array_equal(self.values, other.values))

    def __hash__(self) -> int:
        return hash((len(self.values), float(self.values[-1]) if len(self.values) else 0.0))

    @classmethod
    def _validate(cls, data: Any) -> Numbers:
        import numpy as np

        if isinstance(data, Numbers):
            return data
        try:
            numbers = cls(text=data) if isinstance(data, str) else cls(np.array(data, dtype=np.float64))
            is_flat = numbers.values.ndim == 1
        except (ValueError, TypeError) as error:
            raise problem(str(error) if isinstance(data, str) else "not a list of numbers", ALLOWED) from None
        if not is_flat:
            raise problem("not a list of numbers", ALLOWED)
        return numbers

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(lambda n: n.written())
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}
