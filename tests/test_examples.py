"""Every example runs at toy size and leaves its picture."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOY = {
    "demo.py": ("--n 128 --time 1 --out .", "glass.png"),
    "01_density_of_states.py": ("--n 128 --samples 3 --modes 20 --rate 1 --out dos.png", "dos.png"),
    "02_thermal_maps.py": ("--n 128 --time 1 --out maps.png", "maps.png"),
    "03_thermal_statistics.py": (
        "--n 128 --samples 4 --time 1 --rounds 2 --tail 1 --out statistics.png",
        "statistics.png",
    ),
    "04_soft_modes.py": ("--n 128 --samples 3 --out modes.png", "modes.png"),
    "05_two_cores.py": ("--n 128 --tries 1 --modes 2 --out cores.png", "cores.png"),
    "06_design_by_gradient.py": ("--n 64 --samples 2 --steps 2 --out design.png", "design.png"),
    "08_ultrastable.py": ("--n 100 --sweeps 200 --out stable.png", "stable.png"),
    "09_stress_strain.py": (
        "--n 100 --sweeps 100 --strain 0.02 --out curves.png",
        "curves.png",
    ),
    "10_predicted_events.py": (
        "--n 144 --samples 2 --events 1 --time 1 --out predicted.png",
        "predicted.png",
    ),
    "11_design_of_yielding.py": (
        "--n 64 --samples 2 --steps 1 --rate 1 --out yielding.png",
        "yielding.png",
    ),
    "12_strength_map.py": (
        "--n 100 --radius 3.6 --spacing 4.8 --events 1 --time 1 --out strength.png",
        "strength.png",
    ),
    "14_hard_disks.py": (
        "--n 40 --samples 1 --frames 600 --sweeps 2 --equilibrate 50 --out disks.png",
        "disks.png",
    ),
    "15_soft_modes_everywhere.py": (
        "--models hertz sw --scale 0.2 --pressure 0.01 --time 0.1 --seeds 3 --out soft.png",
        "soft.png",
    ),
    "16_indicator_scores.py": (
        "--n 144 --samples 2 --time 1 --out scores.png",
        "scores.png",
    ),
    "17_learned_softness.py": (
        "--n 144 --glasses 2 --strain 0.15 --time 1 --out softness.h5",
        "softness.png",
    ),
    "18_shear_band.py": (
        "--n 100 --points 2 --strain 0.01 --sweeps 100 --out band.png",
        "band.png",
    ),
    "19_sound_attenuation.py": (
        "--n 100 --samples 1 --waves 2 --time 1 --out sound.png",
        "sound.png",
    ),
    "20_elastic_disorder.py": (
        "--sizes 64 --samples 12 --time 1 --out disorder.png",
        "disorder.png",
    ),
    "21_propensity.py": (
        "--n 64 --samples 1 --runs 2 --temperature 1 --time 10 --out propensity.png",
        "propensity.png",
    ),
    "22_mesoelastic.py": (
        "--model ipl2d --n 64 --glasses 2 --temperatures 1.2 1 --time 10 --frames 100 --out m.png",
        "m.png",
    ),
    "13_beyond_pairs.py": (
        "--n 64 --samples 1 --modes 3 --time 0.1 --out beyond.png",
        "beyond.png",
    ),
    "07_large_glasses.py": ("--n 200 --modes 4 --spots 4 --out large.png", "large.png"),
}


def test_every_example_is_in_the_table():
    assert {p.name for p in (ROOT / "examples").glob("*.py")} == set(TOY)


LONG = {
    "01_density_of_states.py",
    "02_thermal_maps.py",
    "03_thermal_statistics.py",
    "04_soft_modes.py",
    "05_two_cores.py",
    "06_design_by_gradient.py",
    "08_ultrastable.py",
    "09_stress_strain.py",
    "10_predicted_events.py",
    "11_design_of_yielding.py",
    "12_strength_map.py",
    "13_beyond_pairs.py",
    "14_hard_disks.py",
    "15_soft_modes_everywhere.py",
    "16_indicator_scores.py",
    "07_large_glasses.py",
    "17_learned_softness.py",
    "18_shear_band.py",
    "19_sound_attenuation.py",
    "20_elastic_disorder.py",
    "21_propensity.py",
    "22_mesoelastic.py",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in LONG else ()) for name in TOY]
)
def test_example_runs(name, tmp_path):
    options, picture = TOY[name]
    command = [sys.executable, str(ROOT / "examples" / name), *options.split()]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-2000:]
    assert (tmp_path / picture).stat().st_size > 10_000
    assert "saved" in run.stdout
    assert len((ROOT / "examples" / name).read_text().splitlines()) <= 100
