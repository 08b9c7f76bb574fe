"""The wheel holds what the program reads: an installation without the repository works."""

import shutil
import subprocess
import sys
import zipfile

from tests.contract.repository import PACKAGES, ROOT, files


def test_the_wheel_holds_every_file_of_the_packages(tmp_path):
    source = tmp_path / "source"
    wanted = set()
    for path in files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in PACKAGES or relative.name in {"pyproject.toml", "README.md", "LICENSE"}:
            (source / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, source / relative)
            if relative.parts[0] in PACKAGES:
                wanted.add(str(relative))
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(tmp_path)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()
