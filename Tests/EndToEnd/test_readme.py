"""What README prints for people to copy does what it says."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import content
import stores

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory):
    """A virtual environment with nothing but the package and what draws a figure."""
    directory = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    package = f"{ROOT}/protocol/python[matplotlib]"
    subprocess.run([directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", package], check=True)
    return directory / "bin" / "python"


def test_python_snippet(daemons, seaweedfs, fresh_python, tmp_path):
    """As it is printed, but for the two paths: everything lies at the documented keys, for a reader that is not ours."""
    seaweedfs.make_bucket("matih-artifacts")
    place = stores.Place(seaweedfs.endpoint, "matih-artifacts", "experiments")
    daemon = daemons("s3://matih-artifacts", place.environment())
    content.write_noise(tmp_path / "model.pkl", 20 * content.MIB)
    (tmp_path / "directory" / "inner").mkdir(parents=True)
    (tmp_path / "directory" / "metrics.csv").write_text("step,loss\n1,0.5\n" * 100_000)
    (tmp_path / "directory" / "inner" / "notes.md").write_text("# notes\n")

    (snippet,) = re.findall(r"^```python\n(from artifactd .*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    for path, own in (("/tmp/model.pkl", "model.pkl"), ("/path/to/artifacts/directory", "directory")):
        assert snippet.count(path) == 1
        snippet = snippet.replace(path, str(tmp_path / own))
    program = tmp_path / "train.py"
    figure = "from matplotlib.figure import Figure\nfig = Figure()\nfig.subplots().plot([3, 2, 1])\n"
    program.write_text(f"{figure}{snippet}run.wait('committed', timeout=60)\nprint(run.experiment_id, run.run_id)\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ARTIFACTD_SOCKET": str(daemon.socket)}
    done = subprocess.run([fresh_python, program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    experiment, run = done.stdout.split()

    base = f"{experiment}/runs/{run}"
    artifacts = stores.Place(seaweedfs.endpoint, "matih-artifacts", f"experiments/{base}/artifacts")
    read = {key: artifacts.read(key) for key in artifacts.keys()}
    assert read.pop("plots/loss_curve.png").startswith(b"\x89PNG\r\n")
    assert read == {
        "models/model.pkl": (tmp_path / "model.pkl").read_bytes(),
        "config/model_config.json": b'{\n  "threshold": 0.5,\n  "features": [\n    "amount",\n    "frequency"\n  ]\n}\n',
        "reports/summary.txt": b"Model achieved 91.2% accuracy on holdout set",
        "evaluation/metrics.csv": (tmp_path / "directory" / "metrics.csv").read_bytes(),
        "evaluation/inner/notes.md": b"# notes\n",
    }
    assert place.holds(f"{experiment}/experiment.json")
    assert [key for key in place.keys() if key.startswith(f"{base}/manifests/")]
    assert stores.Place(seaweedfs.endpoint, "matih-artifacts", "runs").keys() == [f"{run}.json"]
