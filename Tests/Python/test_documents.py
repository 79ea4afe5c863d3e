"""What log_dict, log_figure and log_artifacts make of values, figures and directories, without a daemon."""

import enum
import json
import math
import os
import types

import hypothesis
import pytest
import yaml
from hypothesis import strategies

import artifactd
from artifactd.documents import document
from artifactd.figures import rendered
from artifactd.walk import files_below

texts = strategies.text(strategies.characters(exclude_categories=["Cs"]))
scalars = (
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats(allow_nan=False, allow_infinity=False) | texts
)
values = strategies.recursive(
    scalars, lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(texts, inner, max_size=4), max_leaves=20
)


# What is read back from JSON is what was logged.
@hypothesis.given(values)
def test_json(value):
    assert json.loads(document(value, "a.json")) == value


# What a reader of YAML 1.1 reads back is what was logged, of the same types.
@hypothesis.given(values)
@hypothesis.example({"no": "yes", "y": "0x10", "a: b": "- c", "#": "1e3", "~": "", "1": "2026-01-01", "n": [[], {}, [[1]]]})
@hypothesis.example([1e16, 1e-7, -0.0, 5e-324, "\u2028\x85\x7f\ufeff\U0001f600", " a", "a ", "a\tb", "a  b", "=", "<<"])
def test_yaml(value):
    found = yaml.safe_load(document(value, "a.yaml"))
    assert found == value and json.dumps(found) == json.dumps(value)


# Settings look as people write them.
def test_yaml_is_readable():
    value = {"model": {"layers": [64, 32], "rate": 1e-4}, "tags": [], "note": "a b", "steps": [{"id": 1, "on": True}, [2]]}
    assert document(value, "A.YML").decode() == (
        'model:\n  layers:\n    - 64\n    - 32\n  rate: 0.0001\ntags: []\nnote: a b\nsteps:\n  - id: 1\n    "on": true\n  - - 2\n'
    )


# YAML has forms for what JSON has none for.
def test_yaml_of_infinite_numbers():
    found = yaml.safe_load(document([math.inf, -math.inf, math.nan], "a.yml"))
    assert found[:2] == [math.inf, -math.inf] and math.isnan(found[2])


# Arrays and their scalars become lists and numbers; tuples lists; integer keys texts.
def test_arrays():
    array = types.SimpleNamespace(tolist=lambda: [1, [2.5]])
    assert json.loads(document({"a": array, "b": (1, 2), 3: "c"}, "a")) == {"a": [1, [2.5]], "b": [1, 2], "3": "c"}


def cyclic():
    value = {"a": [1]}
    value["a"].append(value)
    return value


def deep():
    value = []
    for _ in range(200):
        value = [value]
    return value


class Colour(enum.Enum):
    RED = 1


# What has no form is named with its place, and what to do.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"model": {"layers": [1, {"act": object()}]}}, r"`model\.layers\[1\]\.act` is a object; convert"),
        ({"a": {1, 2}}, "`a` is a set; convert"),
        ({"a": Colour.RED}, "`a` is a Colour"),
        ({"a": b"x"}, "`a` is a bytes"),
        ({"loss": math.nan}, "`loss` is nan, which JSON has no form for"),
        ({"a": {(1, 2): 3}}, "`a` has the key .* of type tuple"),
        ({"a": {True: 3}}, "`a` has the key True of type bool"),
        ({1: "a", "1": "b"}, "it has two keys that are written as '1'"),
        (cyclic(), r"`a\[1\]` contains itself"),
        (deep(), "nested more than 100 deep"),
        ({"a": ["\ud800"]}, r"`a\[0\]` is .* no UTF-8 form"),
        ({"\udcff": 1}, "no UTF-8 form"),
        (types.SimpleNamespace(tolist=lambda: 1 / 0), "tolist.. fails.*ZeroDivisionError"),
        (object(), "it is a object"),
    ],
    ids=str,
)
def test_what_has_no_form(value, text):
    with pytest.raises(artifactd.NotSerialisable, match=text) as refusal:
        document(value, "a.json")
    assert isinstance(refusal.value, artifactd.InvalidRequest)


# --- Figures ---


# Figures of Matplotlib, their axes, and the module with its current figure are rendered by the path's extension.
@pytest.mark.parametrize(("path", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
def test_matplotlib(path, start):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    assert rendered(figure, path, {}).startswith(start)
    assert rendered(axes, path, {"dpi": 20}).startswith(start)


class Plotly:
    """A figure as Plotly's are."""

    def write_image(self, file, format):
        if format == "webp":
            raise ValueError("Image export requires the kaleido package")
        file.write(f"image {format}".encode())

    def write_html(self, file):
        raise AssertionError

    def to_html(self, full_html=True):
        return f"<html>{full_html}"

    def to_json(self):
        return "{}"


class Empty:
    def savefig(self, file, format):
        pass


# Figures of Plotly are images, pages or JSON.
def test_plotly():
    assert rendered(Plotly(), "a.png", {}) == b"image png"
    assert rendered(Plotly(), "a.html", {"full_html": False}) == b"<html>False"
    assert rendered(Plotly(), "a.json", {}) == b"{}"


# What cannot be rendered says why, and what to do.
@pytest.mark.parametrize(
    ("figure", "path", "text"),
    [
        (Plotly(), "plots/a.webp", "'plots/a.webp' .* install kaleido, or log to an .html path .ValueError"),
        (Empty(), "a.png", "it is empty; choose another format"),
        (Empty(), "a", "no extension"),
        (object(), "a.png", "builtins.object is no figure with savefig"),
        (None, "a.png", "is no figure"),
    ],
)
def test_what_cannot_be_rendered(figure, path, text):
    with pytest.raises(artifactd.NotSerialisable, match=text):
        rendered(figure, path, {})


# A format that Matplotlib does not know.
def test_unknown_format():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    with pytest.raises(artifactd.NotSerialisable, match="cannot be rendered as .doc; choose another format.*ValueError"):
        rendered(figure, "a.doc", {})


# --- Directories ---


# All files below a directory, links to files and to directories followed, by rising name.
def test_walk(tmp_path):
    (tmp_path / "d" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("d/b", "d/inner/c", "elsewhere/e"):
        (tmp_path / name).touch()
    (tmp_path / "d" / "a").symlink_to("b")
    (tmp_path / "d" / "linked").symlink_to(tmp_path / "elsewhere")
    found = list(files_below(str(tmp_path / "d"), "x"))
    assert [each.key for each in found] == ["x/a", "x/b", "x/inner/c", "x/linked/e"]
    assert all(each.error is None for each in found)


# Links in a circle, links to nothing, and names that cannot be keys are named with the way out; the rest is found.
def test_walk_past_bad_names(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "back").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone").symlink_to("nothing")
    (tmp_path / "line\nbreak").touch()
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff", os.O_CREAT))
    (tmp_path / "good").touch()
    found = {each.key: each.error for each in files_below(str(tmp_path), "")}
    assert found.pop("good") is None
    shown = {key.encode("utf-8", "backslashreplace").decode(): (type(error), str(error)) for key, error in found.items()}
    assert {key: kind for key, (kind, _) in shown.items()} == {
        "a/b/back": artifactd.InvalidSource,
        "gone": artifactd.SourceUnreadable,
        "line\nbreak": artifactd.InvalidKey,
        "self": artifactd.SourceUnreadable,
        "\\udcff": artifactd.InvalidKey,
    }
    assert "leads back to a directory" in shown["a/b/back"][1] and "rename it" in shown["\\udcff"][1]


# Two links to one directory are no circle, and links that go round over several directories end.
def test_walk_over_crossed_links(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        (tmp_path / name / "other").symlink_to(tmp_path / other)
    found = list(files_below(str(tmp_path), ""))
    assert [each.key for each in found if each.error is None] == ["a/file", "a/other/file", "b/file", "b/other/file"]
    assert len(found) == 6


# What is no directory says what to do.
def test_walk_of_no_directory(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(artifactd.InvalidSource, match="log a single file with log_artifact"):
        list(files_below(str(tmp_path / "f"), ""))
    with pytest.raises(artifactd.InvalidSource, match="not there"):
        list(files_below(str(tmp_path / "absent"), ""))
