"""Frozen dataclasses that are JAX pytrees.

A field marked ``static()`` decides shapes or names a function: it belongs to the tree's structure,
so changing it recompiles. Every other field is a leaf or a subtree. Structs never check themselves,
because transformations rebuild them with tracers; the function that builds one for a user does.
"""

import dataclasses
from typing import Any, Self, dataclass_transform

import jax

STRUCTS: dict[str, type] = {}  # "module:qualified name" -> class, of every struct there is


def static(default: Any = dataclasses.MISSING) -> Any:
    """A field that is part of the structure of a struct, not a leaf."""
    return dataclasses.field(default=default, metadata={"static": True})


@dataclass_transform(frozen_default=True, field_specifiers=(static,))
class Struct:
    """A class derived from this one is a frozen dataclass and a pytree.

    Its fields follow its bases' fields.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True)(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        meta = [f.name for f in fields if f.metadata.get("static")]
        data = [f.name for f in fields if not f.metadata.get("static")]
        STRUCTS[f"{cls.__module__}:{cls.__qualname__}"] = cls
        jax.tree_util.register_dataclass(cls, data_fields=data, meta_fields=meta)

    def replace(self, **changes: Any) -> Self:
        """The same struct with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def find_struct(name: str) -> type | None:
    """The struct called "module:qualified name", None if there is none.

    For files of before: a bare name, or the name of a struct of this package that has moved since,
    finds the package's first struct with that last part.
    """
    module, _, bare = name.rpartition(":")
    if name in STRUCTS or not (module == "" or module.startswith("jaxglass.")):
        return STRUCTS.get(name)
    same = (cls for key, cls in STRUCTS.items() if key.endswith(f":{bare}"))
    return next((cls for cls in same if cls.__module__.startswith("jaxglass.")), None)
