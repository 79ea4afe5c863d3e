"""MLflow's own artifact API through the daemon: SeaweedFS as the store, a real tracking store, and stock readers beside it."""

import importlib.util
import json
import logging
import multiprocessing
import os
import pathlib
import subprocess
import sys
import threading
import urllib.request

import pytest

pytest.importorskip("boto3", reason="needs: pip install 'artifactd[mlflow]'")
mlflow = pytest.importorskip("mlflow", reason="needs: pip install 'artifactd[mlflow]'")

from mlflow.entities.multipart_upload import MultipartUploadPart
from mlflow.exceptions import MlflowException
from mlflow.store.artifact import artifact_repository_registry as registry
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

import artifactd
from artifactd.mlflow import DaemonArtifactRepository

TESTS = pathlib.Path(__file__).resolve().parents[1]
PYPROJECT = TESTS.parent / "protocol" / "python" / "pyproject.toml"
BIG = bytes(range(256)) * 1024

# SeaweedFS, the relay and a daemon that stores to them are those of the end-to-end tests. Behind: a `daemon` is here too.
sys.path.append(str(TESTS / "EndToEnd"))
import relay as relays
import stores

_specification = importlib.util.spec_from_file_location("end_to_end_daemon", TESTS / "EndToEnd" / "daemon.py")
daemons = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(daemons)


# --- What the tests share ---


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A bucket in SeaweedFS."""
    server = stores.SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    yield stores.Place(server.endpoint, server.make_bucket("training"), "mlruns")
    server.stop()


@pytest.fixture(scope="module")
def way(place):
    """The daemon's way to the store, which a test can cut off."""
    relay = relays.Relay(int(place.endpoint.rsplit(":", 1)[1]))
    yield relay
    relay.release()
    relay.close()


@pytest.fixture(scope="module")
def daemon(place, way, tmp_path_factory):
    one = daemons.Daemon(tmp_path_factory.mktemp("daemon") / "d", f"s3://{place.bucket}", place.environment(way.endpoint))
    yield one.start()
    way.release()
    one.close()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as pip installs it, as far as MLflow looks: its entry points."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    site = tmp_path_factory.mktemp("site")
    (site / "artifactd-0.dist-info").mkdir()
    (site / "artifactd-0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: artifactd\nVersion: 0\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()))
    ]
    (site / "artifactd-0.dist-info" / "entry_points.txt").write_text("\n".join(lines) + "\n")
    sys.path.insert(0, str(site))
    registry._artifact_repository_registry.register_entrypoints()
    yield
    sys.path.remove(str(site))


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """A tracking store: a database where MLflow is installed in full, else files."""
    directory = tmp_path_factory.mktemp("tracking")
    is_full = importlib.util.find_spec("sqlalchemy") and importlib.util.find_spec("alembic")
    return f"sqlite:///{directory}/mlflow.db" if is_full else f"file://{directory}/mlruns"


@pytest.fixture(autouse=True)
def environment(monkeypatch, place, daemon, installed, tracking):
    """As on a training node; boto3 goes to the store by its own way."""
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", place.endpoint)
    monkeypatch.setenv("ARTIFACTD_SOCKET", str(daemon.socket))
    monkeypatch.setenv("ARTIFACTD_MLFLOW", "1")
    monkeypatch.setenv("ARTIFACTD_MLFLOW_TIMEOUT", "60")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(tracking)
    yield monkeypatch
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def hold(way):
    """Keeps what the daemon sends from the store until it is released."""
    way.hold()
    yield way
    way.release()


@pytest.fixture
def key(request):
    """A prefix of the test's own in the bucket."""
    return "test/" + "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


@pytest.fixture
def experiment(place, key):
    name = f"s3://{place.bucket}/{key}"
    mlflow.set_experiment(experiment_id=mlflow.create_experiment(name, artifact_location=name))
    return name


@pytest.fixture(params=["s3", "artifactd+s3"])
def repository(request, place, key):
    """Through the daemon, by both schemes."""
    return registry.get_artifact_repository(f"{request.param}://{place.bucket}/{key}")


@pytest.fixture
def stock(place, key):
    """What any other reader sees."""
    return S3ArtifactRepository(f"s3://{place.bucket}/{key}")


@pytest.fixture
def client(daemon):
    with artifactd.Client(daemon.socket) as client:
        yield client


@pytest.fixture
def stored(place, key):
    """The keys below the test's prefix: SeaweedFS goes on listing directories that are empty by now."""

    def look():
        pages = place.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=key + "/")
        return sorted(entry["Key"].removeprefix(key + "/") for page in pages for entry in page.get("Contents", []))

    return look


@pytest.fixture
def outage(way):
    """Takes the store away from the daemon until it is `up` again."""
    way.down()
    yield way
    way.down()
    way.up()


def jobs_of(client, key):
    return [job for job in client.jobs() if f"/{key}/" in job.destination]


def wrote(path, content=b"content"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def listed(repository, path=None):
    return {info.path: None if info.is_dir else info.file_size for info in repository.list_artifacts(path)}


def below(directory):
    directory = pathlib.Path(directory)
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- Which repository it is ---


# `s3` is MLflow's own unless the variable says otherwise; the scheme of our own always goes through the daemon.
def test_entry_points(environment, place):
    uri = f"s3://{place.bucket}/x"
    assert type(registry.get_artifact_repository(uri)) is DaemonArtifactRepository
    for off in ("", "0", "false"):
        environment.setenv("ARTIFACTD_MLFLOW", off)
        assert type(registry.get_artifact_repository(uri)) is S3ArtifactRepository
    environment.delenv("ARTIFACTD_MLFLOW")
    assert type(registry.get_artifact_repository(uri)) is S3ArtifactRepository
    assert type(registry.get_artifact_repository(f"artifactd+{uri}")) is DaemonArtifactRepository
    environment.setenv("ARTIFACTD_MLFLOW", "on")
    with pytest.raises(MlflowException, match="set it to 1 or 0"):
        registry.get_artifact_repository(uri)


# Whichever module a program imports first, both schemes are the daemon's, and nobody is warned.
@pytest.mark.parametrize("first", ["artifactd.mlflow", "mlflow"])
def test_order_of_imports(installed, first):
    code = f"""
import {first}, mlflow, artifactd.mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
for scheme in ("s3", "artifactd+s3"):
    assert type(get_artifact_repository(scheme + "://bucket/x")) is artifactd.mlflow.DaemonArtifactRepository, scheme
"""
    path = os.pathsep.join([str(PYPROJECT.parent), next(each for each in sys.path if list(pathlib.Path(each).glob("artifactd-0.*")))])
    environment = {**os.environ, "PYTHONPATH": path, "ARTIFACTD_MLFLOW": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "artifactd" not in done.stderr, done.stderr


# Without MLflow the import says what to install.
def test_without_mlflow():
    code = "import sys; sys.modules['mlflow'] = None\ntry: import artifactd.mlflow\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PYPROJECT.parent, capture_output=True, text=True, check=True)
    assert "pip install 'artifactd[mlflow]'" in done.stdout


# --- MLflow's own API ---


# Unchanged code with unchanged URIs: every way of logging goes through the daemon, and stock readers find the very same bytes.
def test_fluent_api(environment, experiment, client, place, key, tmp_path):
    wrote(tmp_path / "model.bin", BIG)
    wrote(tmp_path / "plots" / "a b ü.csv", b"x,y\n1,2\n")
    wrote(tmp_path / "plots" / "deep" / "er.txt", b"deep")
    with mlflow.start_run() as run:
        mlflow.log_artifact(tmp_path / "model.bin")
        mlflow.log_artifact(str(tmp_path / "model.bin"), artifact_path="models/best")
        mlflow.log_artifacts(tmp_path / "plots", artifact_path="plots")
        mlflow.log_dict({"threshold": 0.5}, "config/a.json")
        mlflow.log_dict({"threshold": 0.5}, "config/a.yaml")
        mlflow.log_text("91.2 %", "reports/summary.txt")
        mlflow.flush_artifact_async_logging()
    expected = {
        "model.bin": BIG,
        "models/best/model.bin": BIG,
        "plots/a b ü.csv": b"x,y\n1,2\n",
        "plots/deep/er.txt": b"deep",
        "config/a.json": json.dumps({"threshold": 0.5}, indent=2).encode(),
        "config/a.yaml": b"threshold: 0.5\n",
        "reports/summary.txt": b"91.2 %",
    }
    jobs = jobs_of(client, key)
    assert sorted(job.destination for job in jobs) == sorted(f"{run.info.artifact_uri}/{path}" for path in expected)
    assert {(job.state, job.compression, job.encoding) for job in jobs} == {("stored", "none", "identity")}

    environment.delenv("ARTIFACTD_MLFLOW")
    assert below(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "got"))) == expected
    reader = mlflow.MlflowClient()
    assert [info.path for info in reader.list_artifacts(run.info.run_id)] == ["config", "model.bin", "models", "plots", "reports"]
    head = place.s3.head_object(Bucket=place.bucket, Key=f"{key}/{run.info.run_id}/artifacts/plots/a b ü.csv")
    assert head["ContentType"] == "text/csv" and "ContentEncoding" not in head


# Pictures and tables; a table is read, extended and logged again while what it was before is still on its way.
def test_figures_images_and_tables(experiment):
    matplotlib = pytest.importorskip("matplotlib")
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    pytest.importorskip("pandas")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    with mlflow.start_run() as run:
        mlflow.log_figure(figure, "plots/loss.png")
        mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), "images/zero.png")
        mlflow.log_image(numpy.zeros((8, 8, 3), dtype=numpy.uint8), key="dog", step=3)
        mlflow.log_table({"question": ["a"], "answer": [1]}, "tables/t.json")
        mlflow.log_table({"question": ["b"], "answer": [2]}, "tables/t.json")
        mlflow.flush_artifact_async_logging()
        table = mlflow.load_table("tables/t.json", run_ids=[run.info.run_id])
    assert list(table["question"]) == ["a", "b"]
    got = below(mlflow.artifacts.download_artifacts(run_id=run.info.run_id))
    png = b"\x89PNG"
    assert got["plots/loss.png"].startswith(png) and got["images/zero.png"].startswith(png)
    assert any(path.startswith("images/dog") and content.startswith(png) for path, content in got.items())


# A model that was logged is loaded again, at once here and by stock readers.
def test_model(environment, experiment, client, key):
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression

    features, target = [[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0]
    with mlflow.start_run():
        fitted = LinearRegression().fit(features, target)
        info = mlflow.sklearn.log_model(fitted, name="model", serialization_format="cloudpickle")
    assert mlflow.sklearn.load_model(info.model_uri).predict([[3.0]])[0] == pytest.approx(6)
    assert jobs_of(client, key)
    environment.delenv("ARTIFACTD_MLFLOW")
    assert mlflow.pyfunc.load_model(info.model_uri).predict([[3.0]])[0] == pytest.approx(6)


# Autologging logs a model and more through the daemon.
def test_autolog(experiment, client, key):
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(serialization_format="cloudpickle")
    try:
        with mlflow.start_run() as run:
            LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    finally:
        mlflow.sklearn.autolog(disable=True)
    client.wait([job.id for job in jobs_of(client, key)], timeout=60)
    names = {job.destination.rsplit("/", 1)[1] for job in jobs_of(client, key)}
    assert {"MLmodel", "model.pkl", "estimator.html"} <= names
    assert "estimator.html" in {info.path for info in mlflow.MlflowClient().list_artifacts(run.info.run_id)}


# `mlflow gc` removes what a deleted run has, what is still on its way too.
def test_gc(experiment, outage, client, stored, key, tracking):
    testing = pytest.importorskip("click.testing")
    if not tracking.startswith("sqlite"):
        pytest.skip("needs MLflow in full")
    cli = pytest.importorskip("mlflow.cli")
    with mlflow.start_run() as run:
        outage.up()
        mlflow.log_text("stored", "stored.txt")
        mlflow.flush_artifact_async_logging()
        outage.down()
        mlflow.log_text("pending", "pending.txt")
    mlflow.delete_run(run.info.run_id)
    arguments = ["--backend-store-uri", tracking, "--run-ids", run.info.run_id]
    done = testing.CliRunner().invoke(cli.gc, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    outage.up()
    client.wait(timeout=60)
    assert stored() == []
    assert sorted(job.state for job in jobs_of(client, key)) == ["cancelled", "stored"]


# --- Every method of a repository ---


# Files and directories are listed as MLflow does it: directly below, nothing for a file, nothing for what is not there.
def test_listing(repository, stock, tmp_path):
    for name in ("a.txt", "dir/b.txt", "dir/sub/c.txt", "dirty/d.txt"):
        wrote(tmp_path / name, name.encode())
    repository.log_artifacts(tmp_path)
    for when in ("pending or not", "stored"):
        assert listed(repository) == {"a.txt": 5, "dir": None, "dirty": None}, when
        assert listed(repository, "") == listed(repository)
        assert listed(repository, "dir") == listed(repository, "dir/") == {"dir/b.txt": 9, "dir/sub": None}
        assert listed(repository, "dir/sub") == {"dir/sub/c.txt": 13}
        assert listed(repository, "a.txt") == listed(repository, "dir/b.txt") == {}
        assert listed(repository, "absent") == {}
        repository.flush_async_logging()
    for path in (None, "dir", "dir/sub", "a.txt"):
        assert repository.list_artifacts(path) == stock.list_artifacts(path)


# Single files and directories are downloaded, to a place that was named or not.
def test_download(repository, tmp_path):
    wrote(tmp_path / "up" / "a.txt", b"a")
    wrote(tmp_path / "up" / "dir" / "big", BIG)
    repository.log_artifacts(str(tmp_path / "up"), "at")
    assert pathlib.Path(repository.download_artifacts("at/a.txt")).read_bytes() == b"a"
    assert below(repository.download_artifacts("at")) == {"a.txt": b"a", "dir/big": BIG}
    (tmp_path / "down").mkdir()
    assert pathlib.Path(repository.download_artifacts("", str(tmp_path / "down"))) == tmp_path / "down"
    assert below(tmp_path / "down") == {"at/a.txt": b"a", "at/dir/big": BIG}
    with pytest.raises(MlflowException, match="absent"):
        repository.download_artifacts("at/absent")
    with pytest.raises(MlflowException, match="does not exist"):
        repository.download_artifacts("at", str(tmp_path / "nowhere"))


# Deleting takes a file, or a directory with all below it, and no namesakes; then everything.
def test_delete(repository, stored, tmp_path):
    for name in ("a.txt", "a.txt2", "dir/b", "dir/sub/c", "dirty/d"):
        wrote(tmp_path / name)
    repository.log_artifacts(tmp_path)
    repository.flush_async_logging()
    repository.delete_artifacts("a.txt")
    repository.delete_artifacts("dir")
    repository.delete_artifacts("absent")
    # MLflow 2 takes the namesakes too.
    assert stored() == ([] if mlflow.__version__ < "3" else ["a.txt2", "dirty/d"])
    repository.delete_artifacts()
    assert stored() == []


# Asynchronous logging ends in the same place, and the flush waits for STORED.
def test_asynchronous_logging(repository, stock):
    pillow = pytest.importorskip("PIL.Image")
    operations = [repository._log_artifact_async(f"{n}.png", "images", pillow.new("RGB", (4, 4))) for n in range(10)]
    repository.flush_async_logging()
    for operation in operations:
        operation.wait()
    assert set(listed(stock, "images")) == {f"images/{n}.png" for n in range(10)}


# Multipart uploads, which somebody else sends, are MLflow's own.
def test_multipart_upload(repository, stock):
    def create():
        made = repository.create_multipart_upload("big.bin", num_parts=1, artifact_path="models")
        request = urllib.request.Request(made.credentials[0].url, BIG, method="PUT")
        with urllib.request.urlopen(request) as answer:
            return made.upload_id, [MultipartUploadPart(1, answer.headers["ETag"])]

    upload, parts = create()
    repository.abort_multipart_upload("big.bin", upload, "models")
    assert listed(repository, "models") == {}
    upload, parts = create()
    repository.complete_multipart_upload("big.bin", upload, parts, "models")
    assert listed(repository, "models") == listed(stock, "models") == {"models/big.bin": len(BIG)}
    assert pathlib.Path(repository.download_artifacts("models/big.bin")).read_bytes() == BIG


# Presigned URLs are MLflow's own; the one for reading waits for what is on its way.
def test_presigned_urls(repository, tmp_path):
    if not hasattr(repository, "create_presigned_upload_url"):
        pytest.skip("came with MLflow 3")
    made = repository.create_presigned_upload_url("a/up.txt")
    with urllib.request.urlopen(urllib.request.Request(made.presigned_url, b"up", headers=made.headers, method="PUT")):
        assert listed(repository, "a") == {"a/up.txt": 2}
    repository.log_artifact(wrote(tmp_path / "down.txt", b"down"))
    answer = repository.get_download_presigned_url("down.txt")
    assert answer.file_size == 4
    with urllib.request.urlopen(answer.url) as body:
        assert body.read() == b"down"
    with pytest.raises(MlflowException):
        repository.get_download_presigned_url("absent")


# Traces and their attachments go the same way and come back.
def test_traces(repository, client, key):
    repository.upload_trace_data(json.dumps({"spans": []}))
    assert repository.download_trace_data() == {"spans": []}
    if hasattr(repository, "upload_attachment"):
        name = "0b6fbe5c-6e2b-4a51-9d1c-2c4e1f0e8f57"
        repository.upload_attachment(name, BIG)
        assert repository.download_trace_attachment(name) == BIG
    if hasattr(S3ArtifactRepository, "upload_archived_trace_data_bytes"):
        repository.upload_archived_trace_data_bytes(b"spans")
        assert pathlib.Path(repository.download_artifacts("traces.pb")).read_bytes() == b"spans"
    assert len(jobs_of(client, key)) == len([path for path in repository._iter_artifacts_recursive(None) if not path.is_dir])


# --- What is on its way ---


# A file may be deleted and overwritten as soon as it was logged, while the store cannot be reached.
def test_durable_at_return(repository, hold, stock, tmp_path):
    path = wrote(tmp_path / "state.bin", BIG)
    repository.log_artifact(path, "first")
    path.write_bytes(b"x" * len(BIG))
    repository.log_artifact(path, "second")
    path.unlink()
    assert listed(stock) == {}
    hold.release()
    repository.flush_async_logging()
    assert pathlib.Path(stock.download_artifacts("first/state.bin")).read_bytes() == BIG
    assert pathlib.Path(stock.download_artifacts("second/state.bin")).read_bytes() == b"x" * len(BIG)


# What is pending is listed, as a new file, within a new directory, and with the new size over what is stored.
def test_listing_sees_what_is_pending(repository, hold, stock, tmp_path):
    hold.release()
    repository.log_artifact(wrote(tmp_path / "old.txt", b"old"))
    repository.flush_async_logging()
    hold.hold()
    repository.log_artifact(wrote(tmp_path / "old.txt", b"longer"))
    repository.log_artifact(tmp_path / "old.txt", "new/sub")
    assert listed(repository) == {"old.txt": 6, "new": None}
    assert listed(repository, "new") == {"new/sub": None}
    assert listed(repository, "new/sub") == {"new/sub/old.txt": 6}
    assert listed(repository, "new/sub/old.txt") == listed(repository, "old.txt") == {}
    assert listed(stock) == {"old.txt": 3}


# A download waits for what is pending, and gets the latest version.
def test_download_waits_for_what_is_pending(repository, hold, tmp_path):
    repository.log_artifact(wrote(tmp_path / "a", b"first"))
    repository.log_artifact(wrote(tmp_path / "a", b"second"))
    got = []
    reader = threading.Thread(target=lambda: got.append(pathlib.Path(repository.download_artifacts("a")).read_bytes()))
    reader.start()
    reader.join(0.5)
    assert reader.is_alive() and not got
    hold.release()
    reader.join(60)
    assert got == [b"second"]


# The wait has an end where one was set, and says what goes on.
def test_waiting_has_an_end(repository, hold, environment, tmp_path):
    environment.setenv("ARTIFACTD_MLFLOW_TIMEOUT", "0.2")
    repository.log_artifact(wrote(tmp_path / "a"))
    with pytest.raises(MlflowException, match="they go on"):
        repository.flush_async_logging()
    with pytest.raises(MlflowException, match="they go on"):
        repository.download_artifacts("a")
    hold.release()
    environment.setenv("ARTIFACTD_MLFLOW_TIMEOUT", "60")
    repository.flush_async_logging()
    assert pathlib.Path(repository.download_artifacts("a")).read_bytes() == b"content"
    environment.setenv("ARTIFACTD_MLFLOW_TIMEOUT", "soon")
    with pytest.raises(MlflowException, match="give seconds"):
        repository.flush_async_logging()


# Deleting takes back what is pending: it never appears.
def test_delete_takes_back_what_is_pending(repository, outage, stored, client, tmp_path):
    repository.log_artifact(wrote(tmp_path / "a"))
    repository.log_artifact(tmp_path / "a", "dir")
    repository.delete_artifacts("dir")
    assert listed(repository) == {"a": 7}
    outage.up()
    client.wait(timeout=60)
    repository.flush_async_logging()
    assert stored() == ["a"]


# The flush waits for other processes of the node too.
def test_another_process(repository, hold, stock, tmp_path):
    path = wrote(tmp_path / "a")
    child = multiprocessing.get_context("fork").Process(target=repository.log_artifact, args=(path,))
    child.start()
    child.join(60)
    assert child.exitcode == 0 and listed(stock) == {}
    threading.Timer(0.3, hold.release).start()
    repository.flush_async_logging()
    assert listed(stock) == {"a": 7}


# A restarted daemon goes on with what it had, and the process with the restarted daemon.
def test_restart(repository, hold, daemon, stock, tmp_path):
    repository.log_artifact(wrote(tmp_path / "a"))
    daemon.kill()
    daemon.start()
    repository.log_artifact(wrote(tmp_path / "b"))
    assert listed(repository) == {"a": 7, "b": 7}
    hold.release()
    repository.flush_async_logging()
    assert listed(stock) == {"a": 7, "b": 7}


# --- What goes wrong ---


# Without a daemon logging is an error that names the socket and the ways out; reading works all the same.
def test_no_daemon(repository, environment, caplog, tmp_path):
    repository.log_artifact(wrote(tmp_path / "a"))
    repository.flush_async_logging()
    environment.setenv("ARTIFACTD_SOCKET", str(tmp_path / "nobody"))
    for attempt in (
        lambda: repository.log_artifact(tmp_path / "a"),
        lambda: repository.log_artifacts(tmp_path),
        lambda: repository.delete_artifacts("a"),
    ):
        with pytest.raises(MlflowException, match=r"nobody.*ARTIFACTD_MLFLOW_FALLBACK=1") as refusal:
            attempt()
        assert isinstance(refusal.value.__cause__, artifactd.DaemonUnavailable)
    with caplog.at_level(logging.WARNING, "artifactd"):
        assert listed(repository) == {"a": 7}
    assert ("is not seen" in caplog.text) == repository.artifact_uri.startswith("s3:")
    assert pathlib.Path(repository.download_artifacts("a")).read_bytes() == b"content"
    repository.flush_async_logging()


# By choice it goes to S3 directly, which is said each time.
def test_fallback(repository, environment, stored, caplog, tmp_path):
    environment.setenv("ARTIFACTD_SOCKET", str(tmp_path / "nobody"))
    environment.setenv("ARTIFACTD_MLFLOW_FALLBACK", "1")
    wrote(tmp_path / "up" / "a")
    with caplog.at_level(logging.WARNING, "artifactd"):
        repository.log_artifact(tmp_path / "up" / "a", "one")
        repository.log_artifacts(tmp_path / "up", "two")
    assert caplog.text.count("goes to S3 without artifactd") == 2
    assert stored() == ["one/a", "two/a"]
    repository.delete_artifacts("one")
    assert stored() == ["two/a"]


# A place beyond the daemon's own store must be one that its configuration allows.
def test_destinations(environment, place, tmp_path):
    configuration = wrote(tmp_path / "c.yaml", f"destinations:\n  - s3://{place.bucket}/elsewhere\n".encode())
    one = daemons.Daemon(tmp_path / "d", f"file://{tmp_path}/store", place.environment(), arguments=["--config", configuration])
    one.start()
    try:
        environment.setenv("ARTIFACTD_SOCKET", str(one.socket))
        allowed = registry.get_artifact_repository(f"s3://{place.bucket}/elsewhere/x")
        allowed.log_artifact(wrote(tmp_path / "a"))
        allowed.flush_async_logging()
        assert listed(S3ArtifactRepository(allowed.artifact_uri)) == {"a": 7}
        forbidden = registry.get_artifact_repository(f"s3://{place.bucket}/beyond")
        with pytest.raises(MlflowException, match="destinations") as refusal:
            forbidden.log_artifact(tmp_path / "a")
        assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"
    finally:
        one.close()


# Where the store refuses, flush and download say why; what was told is told once, and concerns no other place.
def test_jobs_that_fail(repository, environment, place, key, tmp_path):
    way_in = {**place.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"}
    one = daemons.Daemon(tmp_path / "d", f"s3://{place.bucket}", way_in)
    one.start()
    try:
        environment.setenv("ARTIFACTD_SOCKET", str(one.socket))
        repository.log_artifact(wrote(tmp_path / "a"))
        registry.get_artifact_repository(repository.artifact_uri + "2").flush_async_logging()
        with pytest.raises(MlflowException, match="1 of the jobs failed") as refusal:
            repository.flush_async_logging()
        assert isinstance(refusal.value.__cause__, artifactd.JobsFailed)
        with pytest.raises(MlflowException, match=r"job .*credentials"):
            repository.download_artifacts("a")
        repository.flush_async_logging()
        repository.delete_artifacts("a")
        with artifactd.Client(one.socket) as client:
            assert [job.state for job in jobs_of(client, key)] == ["cancelled"]
    finally:
        one.close()


# What cannot be logged of a directory is named, and the rest goes on.
def test_bad_files_in_a_directory(repository, stock, tmp_path):
    wrote(tmp_path / "up" / "good.txt")
    wrote(tmp_path / "up" / "line\nbreak")
    os.mkfifo(tmp_path / "up" / "fifo")
    (tmp_path / "up" / "dangling").symlink_to(tmp_path / "absent")
    with pytest.raises(MlflowException, match="3 artifacts could not be logged") as refusal:
        repository.log_artifacts(tmp_path / "up")
    assert all(name in str(refusal.value) for name in ("fifo", "dangling", "break"))
    repository.flush_async_logging()
    assert listed(stock) == {"good.txt": 7}


# A file or directory that is not there, a way out of the run, and a URI of no form.
def test_bad_arguments(repository, tmp_path):
    for attempt in (
        lambda: repository.log_artifact(tmp_path / "absent"),
        lambda: repository.log_artifact(tmp_path),
        lambda: repository.log_artifacts(tmp_path / "absent"),
        lambda: repository.log_artifact(wrote(tmp_path / "a"), "../../out"),
        lambda: DaemonArtifactRepository("gs://bucket/x").list_artifacts(),
        lambda: DaemonArtifactRepository("artifactd+s3:x").log_artifact(tmp_path / "a"),
    ):
        with pytest.raises(MlflowException) as refusal:
            attempt()
        assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


# What only MLflow's own uploads can do is refused, and not left out in silence.
def test_extra_arguments(repository, environment, tmp_path):
    environment.setenv("MLFLOW_S3_UPLOAD_EXTRA_ARGS", json.dumps({"ServerSideEncryption": "aws:kms"}))
    with pytest.raises(MlflowException, match="ServerSideEncryption"):
        repository.log_artifact(wrote(tmp_path / "a"))


# Compression by choice: encoded in the store, decoded by this reader.
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_compression(repository, environment, place, key, tmp_path, encoding):
    environment.setenv("ARTIFACTD_MLFLOW_COMPRESSION", encoding)
    repository.log_artifact(wrote(tmp_path / "a.csv", b"1,2\n" * 100_000))
    assert pathlib.Path(repository.download_artifacts("a.csv")).read_bytes() == b"1,2\n" * 100_000
    answer = place.s3.get_object(Bucket=place.bucket, Key=f"{key}/a.csv")
    assert answer["ContentEncoding"] == encoding
    assert stores.decode(answer["Body"].read(), encoding) == b"1,2\n" * 100_000
    environment.setenv("ARTIFACTD_MLFLOW_COMPRESSION", "lzma")
    with pytest.raises(MlflowException, match="choose one of none"):
        repository.log_artifact(tmp_path / "a.csv")


# A file that is compressed itself is stored as what it is.
def test_compressed_file(repository, place, key, tmp_path):
    repository.log_artifact(wrote(tmp_path / "a.csv.gz", BIG))
    repository.flush_async_logging()
    answer = place.s3.get_object(Bucket=place.bucket, Key=f"{key}/a.csv.gz")
    assert answer["ContentType"] == "application/gzip" and "ContentEncoding" not in answer and answer["Body"].read() == BIG
