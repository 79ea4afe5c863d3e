"""How a run is started."""

from __future__ import annotations

from dataclasses import dataclass

from artifactd.arguments import checked_arguments


@checked_arguments
@dataclass(frozen=True)
class RunConfig:
    """What is known of a run before it starts.

    - `run_name`: up to 255 characters, need not be unique.
    - `tenant_id`: who owns the run; None for the tracker's own tenant. The daemon's policy must allow it to the user.
    - `user_id`, `job_id`: who trains, and as which job of the scheduler; kept as tags of these names.
    """

    run_name: str | None = None
    tenant_id: str | None = None
    user_id: str | None = None
    job_id: str | None = None
