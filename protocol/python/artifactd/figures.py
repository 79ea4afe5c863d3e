"""What `log_figure` makes of figures: of Matplotlib, of Plotly, images, and whatever can be saved as these can."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

from artifactd.errors import NotSerialisable


def rendered(figure: Any, path: str, options: dict[str, Any]) -> bytes:
    """The figure in the format of the path's extension; the options are the rendering method's own.

    Raises `NotSerialisable` for what is no figure, a format it cannot be rendered in, and whatever goes wrong meanwhile.
    """
    extension = os.path.splitext(path)[1][1:].lower()
    if not extension:
        raise _refusal(path, "it has no extension to choose the format by; use .png or .svg")
    render = _renderer(figure, extension, options)
    if render is None:
        what = f"{type(figure).__module__}.{type(figure).__qualname__}"
        message = f"a {what} is no figure with savefig, write_image or save; log its file with log_artifact"
        raise _refusal(path, message)
    try:
        content = render()
    except Exception as cause:
        raise _refusal(path, f"it cannot be rendered as .{extension}; {_way_out(figure)}", cause) from cause
    if not content:
        raise _refusal(path, f"rendered as .{extension} it is empty; {_way_out(figure)}")
    return content


def _renderer(figure: Any, extension: str, options: dict[str, Any]) -> Callable[[], bytes] | None:
    if hasattr(figure, "write_image") and hasattr(figure, "write_html"):
        return lambda: _plotly(figure, extension, options)
    # Axes and artists of Matplotlib belong to a figure; the module pyplot has a current one.
    if not hasattr(figure, "savefig") and hasattr(getattr(figure, "figure", None), "savefig"):
        figure = figure.figure
    if hasattr(figure, "savefig"):
        return lambda: _written(figure.savefig, {"format": extension, **options})
    if hasattr(figure, "save") and hasattr(figure, "tobytes"):
        return lambda: _written(figure.save, {"format": {"jpg": "jpeg"}.get(extension, extension), **options})
    return None


def _plotly(figure: Any, extension: str, options: dict[str, Any]) -> bytes:
    if extension in ("html", "htm"):
        text: str = figure.to_html(**options)
        return text.encode()
    if extension == "json":
        text = figure.to_json(**options)
        return text.encode()
    return _written(figure.write_image, {"format": extension, **options})


def _written(save: Callable[..., Any], options: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    save(content, **options)
    return content.getvalue()


def _way_out(figure: Any) -> str:
    if hasattr(figure, "write_image"):
        return "install kaleido, or log to an .html path"
    return "choose another format, such as .png or .svg, or mend the figure"


def _refusal(path: str, why: str, cause: Exception | None = None) -> NotSerialisable:
    shown = None if cause is None else f"{type(cause).__name__}: {cause}"
    return NotSerialisable("not_serialisable", f"the figure for '{path}' cannot be logged: {why}", shown)
