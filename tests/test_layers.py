"""The folders and who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jaxglass

PACKAGE = Path(jaxglass.__file__).parent

# Who may import whom: a folder sees itself and what stands behind it here, and all that those see.
BELOW = {
    "core": [],
    "host": ["core"],
    "analysis": ["core"],
    "linalg": ["core"],
    "system": ["core"],
    "models": ["system", "host"],
    "neighbours": ["models"],
    "landscape": ["neighbours", "linalg"],
    "minimise": ["landscape"],
    "prepare": ["minimise"],
    "modes": ["landscape"],
    "response": ["landscape"],
    "thermal": ["modes"],
    "shear": ["minimise", "modes", "response"],
    "indicators": ["thermal", "response", "shear", "analysis"],
    "liquid": ["prepare", "response", "analysis"],
    "ensemble": ["host"],
}
DOORS = ("io", "plot")  # they see everything, and nobody but the package's own door sees them


def allowed(folder):
    """Folders that a folder may import from."""
    if folder in DOORS:
        return {*BELOW, *DOORS, ""}
    return {folder}.union(*(allowed(below) for below in BELOW[folder]))


def test_every_folder_has_its_place():
    folders = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert folders <= {*BELOW, *DOORS}


def imports(path):
    """Folders of the package that a module imports from."""
    place = path.parent.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = place[: len(place) - node.level + 1]
            yield above[0] if above else (node.module or node.names[0].name).split(".")[0]


@pytest.mark.parametrize(
    "path",
    sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE),
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_a_module_imports_only_from_folders_before_its_own(path):
    folder = path.parent.relative_to(PACKAGE).parts[0]
    assert set(imports(path)) <= allowed(folder)


def test_jax_md_is_imported_in_one_file():
    users = {
        p.name
        for p in PACKAGE.rglob("*.py")
        if any(s in p.read_text() for s in ("import jax_md", "from jax_md"))
    }
    assert users == {"jaxmd.py"}


def test_import_is_light():
    heavy = ("jax_md", "matplotlib", "h5py", "optax", "scipy")
    code = f"import sys, jaxglass; print(any(m in sys.modules for m in {heavy}))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )


def test_what_is_loaded_late_leaves_compiled_programs():
    """A first quench imports jax_md; the programs compiled before and during it are found again."""
    code = """
import sys, jax, jaxglass as jg
jax.config.update("jax_enable_x64", True)
traced = []
model, glass = jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 400)
quench = jax.jit(lambda g: traced.append(1) or jg.quench(model, g))
e = jg.expand(model, quench(glass).glass)
jg.quartic_mode(e, e.position, method="optax")
quench(glass)
print(len(traced), "jax_md" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True"]


def test_files_stay_small():
    long = {
        str(p): len(p.read_text().splitlines())
        for p in PACKAGE.rglob("*.py")
        if len(p.read_text().splitlines()) > 400
    }
    assert long == {}
