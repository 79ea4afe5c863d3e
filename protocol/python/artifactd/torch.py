"""PyTorch's files straight to the daemon: what is saved is written once, into a file that the daemon gave.

    artifactd.torch.save(model.state_dict(), "checkpoints/last.pt", run=run)

    torch.distributed.checkpoint.save(state, storage_writer=artifactd.torch.StorageWriter(run, "checkpoints/step-1000"))

Installed with `pip install artifactd[torch]`.
"""

# Some of PyTorch's own functions bear no types.
# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import io
import math
import os
import threading
import time
from collections.abc import Generator, Mapping
from typing import IO, TYPE_CHECKING, Any, cast

from artifactd.arguments import checked_arguments, checked_call
from artifactd.artifact_log import PutOptions
from artifactd.errors import NotFound
from artifactd.output import Output
from artifactd.places import Place, Places, places_of
from artifactd.ticket import Ticket

try:
    import torch
    from torch.distributed.checkpoint.filesystem import FileSystemBase, FileSystemReader, FileSystemWriter
    from torch.distributed.checkpoint.metadata import Metadata
    from torch.distributed.checkpoint.planner import SavePlan, SavePlanner, WriteItem
    from torch.distributed.checkpoint.storage import WriteResult
    from torch.futures import Future
except ImportError as cause:
    raise ImportError(f"artifactd.torch needs PyTorch: pip install 'artifactd[torch]' ({cause})") from cause

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["StorageReader", "StorageWriter", "save"]

_TEMPORARY = ".tmp"


@checked_call
def save(
    obj: object,
    path: str,
    *,
    run: Place,
    size_hint: int | None = None,
    save_options: Mapping[str, Any] | None = None,
    **options: Unpack[PutOptions],
) -> Ticket:
    """`torch.save` to an artifact; the ticket says what becomes of it, and is DURABLE when it is ACCEPTED.

    The bytes are written once, into a file of the daemon's spool; what has less than 64 MiB into memory that is handed over. They
    are taken as they are now: the object can be changed as soon as this returns. `torch.load` reads what was stored.

    - `path`: the whole path in the run: `checkpoints/last.pt`.
    - `run`: the run, or a group of it; or a `Client`, for which the path is the object's URI or its key relative to the store.
    - `size_hint`: about how many bytes it is going to be; None for what the tensors take.
    - `save_options`: for `torch.save`.
    - `options`: those of `Client.put`.

    Raises `DaemonUnavailable`, `Busy` where the spool has no room, and what `torch.save` raises; then nothing is handed over.
    """
    output = Output(places_of(run), path, _size(obj) if size_hint is None else size_hint, options)
    try:
        torch.save(obj, cast(IO[bytes], output), **(save_options or {}))
        return output.hand_over()
    finally:
        output.discard()


@checked_arguments
class StorageWriter(FileSystemWriter):
    """Writes checkpoints of `torch.distributed.checkpoint`, in the layout of its `FileSystemWriter`.

        writer = artifactd.torch.StorageWriter(run, "checkpoints/step-1000")
        torch.distributed.checkpoint.save(state, storage_writer=writer)

    Works with `async_save`, and with a `checkpoint_id` for each save. The checkpoint becomes visible by its `.metadata` last:
    each rank waits until its own files are STORED, and only then is it written; when `save` returns, or the future of
    `async_save` is done, it is STORED too. Where a checkpoint is written over, its `.metadata` is removed first.

    - `run`: the run, on each rank (`ExperimentTracker.attach_run`); or a `Client`, for which paths are URIs or keys.
    - `path`: the checkpoint's directory in the run.
    - `timeout`: for how many seconds to wait at most until the files are STORED; None for without end. Then `Timeout` is raised.
    - `options`: those of `Client.put`. Compression is off unless chosen, so that any copy of the directory can be read.

    The others are as for `FileSystemWriter`.
    """

    def __init__(
        self,
        run: Place,
        path: str,
        *,
        timeout: float | None = None,
        single_file_per_rank: bool = True,
        thread_count: int = 1,
        per_thread_copy_ahead: int = 10_000_000,
        cache_staged_state_dict: bool = False,
        overwrite: bool = True,
        **options: Unpack[PutOptions],
    ) -> None:
        super().__init__(
            path,
            single_file_per_rank=single_file_per_rank,
            # The daemon does.
            sync_files=False,
            thread_count=thread_count,
            per_thread_copy_ahead=per_thread_copy_ahead,
            cache_staged_state_dict=cache_staged_state_dict,
            overwrite=overwrite,
        )
        self._files = _Files(places_of(run), {"compression": "none", **options})
        self._timeout = timeout
        self._is_coordinator = True
        self.fs = cast(Any, self._files)
        self.path = cast(Any, self._files.init_path(path))

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        super().set_up_storage_writer(is_coordinator, *args, **kwargs)
        self._is_coordinator = is_coordinator
        self._files.begin()

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """Besides, removes what made an older checkpoint visible: no rank writes before all have come here."""
        prepared = super().prepare_local_plan(plan)
        if self._is_coordinator or not self.use_collectives:
            name = ".metadata" if self.use_collectives else f"__{self.rank}.metadata"
            self._files.rm_file(self._files.concat_path(self.path, name))
        return prepared

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Writes this rank's files and waits until they are STORED."""
        sizes = [_item_size(item) for item in plan.items]
        self._files.expected = sum(sizes) // self.thread_count if self.single_file_per_rank else max(sizes, default=0)
        future = super().write_data(plan, planner)
        self._files.await_stored(self._timeout)
        self._files.expected = 0
        return future

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Makes the checkpoint visible, and waits until that is STORED."""
        super().finish(metadata, results)
        self._files.await_stored(self._timeout)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return isinstance(checkpoint_id, str) and bool(checkpoint_id)


class StorageReader(FileSystemReader):
    """Reads a checkpoint back, whichever node wrote it: each rank downloads the files that it needs, one at a time.

    `run` and `path` as for `StorageWriter`. A checkpoint that was downloaded as a whole is read by PyTorch's `FileSystemReader`.
    """

    def __init__(self, run: Place, path: str) -> None:
        super().__init__(path)
        files = _Files(places_of(run), {})
        self.fs = cast(Any, files)
        self.path = cast(Any, files.init_path(path))

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return StorageWriter.validate_checkpoint_id(checkpoint_id)


class _Files(FileSystemBase):
    """What `FileSystemWriter` and `FileSystemReader` take for a file system.

    A file is handed over when it is closed. One with a temporary name is when it gets its own, by which alone it is known.
    """

    def __init__(self, places: Places, options: PutOptions) -> None:
        self._places = places
        self._options = options
        # How many bytes the next files are going to have, about.
        self.expected = 0
        self.begin()

    def begin(self) -> None:
        """Forgets what was written before."""
        self._lock = threading.Lock()
        self._tickets: list[Ticket] = []
        self._errors: list[BaseException] = []
        self._unnamed: dict[str, Output] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # `async_save` can write in another process.
        return _Files, (self._places, self._options)

    def await_stored(self, timeout: float | None) -> None:
        """Waits until all that was handed over is STORED. Raises what failed, in whichever thread."""
        with self._lock:
            tickets, self._tickets = self._tickets, []
            errors, self._errors = self._errors, []
        if errors:
            raise errors[0]
        deadline = None if timeout is None else time.monotonic() + timeout
        for ticket in tickets:
            ticket.wait("stored", None if deadline is None else max(0.0, deadline - time.monotonic()))

    @contextlib.contextmanager
    def create_stream(self, path: str | os.PathLike[str], mode: str) -> Generator[io.IOBase, None, None]:
        name = os.fspath(path)
        if mode == "rb":
            with self._places.read(name) as file:
                yield cast(io.IOBase, file)
            return
        try:
            output = Output(self._places, name.removesuffix(_TEMPORARY), self.expected, self._options)
            with output.discarding():
                yield output
                if name.endswith(_TEMPORARY):
                    self._unnamed[name] = output
                else:
                    self._hand_over(output)
        except BaseException as error:
            # PyTorch loses what is raised in its further threads.
            with self._lock:
                self._errors.append(error)
            raise

    def rename(self, path: str | os.PathLike[str], new_path: str | os.PathLike[str]) -> None:
        self._hand_over(self._unnamed.pop(os.fspath(path)))

    def _hand_over(self, output: Output) -> None:
        try:
            ticket = output.hand_over()
        finally:
            output.discard()
        with self._lock:
            self._tickets.append(ticket)

    def concat_path(self, path: str | os.PathLike[str], suffix: str) -> str:
        return f"{os.fspath(path)}/{suffix}"

    def init_path(self, path: str | os.PathLike[str]) -> str:
        return os.fspath(path).rstrip("/")

    def mkdir(self, path: str | os.PathLike[str]) -> None:
        """Directories are there by what lies in them."""

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return StorageWriter.validate_checkpoint_id(checkpoint_id)

    def exists(self, path: str | os.PathLike[str]) -> bool:
        return self._places.holds(os.fspath(path))

    def rm_file(self, path: str | os.PathLike[str]) -> None:
        with contextlib.suppress(NotFound):
            self._places.delete(os.fspath(path))


def _size(obj: object) -> int:
    """About how many bytes it takes to save this, as far as its containers tell: each tensor's storage once."""
    seen: set[int] = set()
    total = 0
    rest = [obj]
    while rest:
        each = rest.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, torch.Tensor):
            key, size = _storage(each)
            if key not in seen:
                seen.add(key)
                total += size
        elif isinstance(each, Mapping):
            rest.extend(each.values())
        elif isinstance(each, (list, tuple, set, frozenset)):
            rest.extend(each)
        elif isinstance(each, torch.nn.Module):
            rest += [*each.parameters(), *each.buffers()]
        elif isinstance(each, (bytes, bytearray, str)):
            total += len(each)
        elif isinstance(nbytes := getattr(each, "nbytes", None), int):
            total += nbytes
    return total


def _storage(tensor: torch.Tensor) -> tuple[int, int]:
    """What tells a tensor's storage from others, and its size."""
    try:
        storage = tensor.untyped_storage()
        return storage.data_ptr() or id(tensor), storage.nbytes()
    except (NotImplementedError, RuntimeError):
        # One that consists of others.
        return id(tensor), tensor.nbytes


def _item_size(item: WriteItem) -> int:
    data = item.tensor_data
    return 0 if data is None else math.prod(data.chunk.sizes) * data.properties.dtype.itemsize
