"""Parsed rules of a configuration. Parsing is slow, so a text is parsed once and kept for later versions."""

from __future__ import annotations

from engine.model import WorkspaceConfig
from engine.rules import Expression, Place, Workflow, parse_expression, parse_workflow


class Compiled:
    """The rules of one WorkspaceConfig, parsed when first asked for.

    `previous` is an older version's: what is unchanged is taken over. Texts were checked when they were
    stored, so parsing raises RuleError only for what a different version of this program let in. KeyError for
    an unknown SID.
    """

    def __init__(self, config: WorkspaceConfig, previous: Compiled | None = None) -> None:
        self.config = config
        self._queues: dict[str, tuple[str, Expression]] = {}
        self._workflows: dict[str, tuple[str, Workflow]] = {}
        if previous is not None:
            queues, workflows = config.queues, config.workflows
            self._queues = {
                sid: entry
                for sid, entry in previous._queues.items()
                if sid in queues and queues[sid].target_workers == entry[0]
            }
            self._workflows = {
                sid: entry
                for sid, entry in previous._workflows.items()
                if sid in workflows and workflows[sid].configuration == entry[0]
            }

    def queue(self, sid: str) -> Expression:
        """The `target_workers` of a TaskQueue."""
        entry = self._queues.get(sid)
        if entry is None:
            text = self.config.queues[sid].target_workers
            entry = self._queues[sid] = (text, parse_expression(text, Place.TARGET_WORKERS))
        return entry[1]

    def workflow(self, sid: str) -> Workflow:
        """The document of a Workflow."""
        entry = self._workflows.get(sid)
        if entry is None:
            text = self.config.workflows[sid].configuration
            # The queues were there when it was stored, and one that a Workflow names cannot be deleted.
            entry = self._workflows[sid] = (text, parse_workflow(text, queue_exists=lambda _: True))
        return entry[1]


class CompiledCache:
    """Compiled rules of the `limit` most recently used Workspaces, the newest version seen of each."""

    def __init__(self, *, limit: int = 1_000) -> None:
        self._limit = limit
        self._known: dict[str, Compiled] = {}  # least recently used first

    def of(self, config: WorkspaceConfig) -> Compiled:
        """The rules of this configuration. O(1) for the version seen last, else O(records)."""
        sid = config.workspace.sid
        known = self._known.pop(sid, None)
        if known is None or known.config is not config:
            known = Compiled(config, known)
        self._known[sid] = known
        if len(self._known) > self._limit:
            del self._known[next(iter(self._known))]
        return known
