"""What events show of the records of one configuration, packed for the log once."""

from __future__ import annotations

from engine.events import Packed, facts_of, squeezed
from engine.filter_names import Document, FilterNames, Key
from engine.model import WorkspaceConfig


class ConfigNames:
    """One configuration, and what is remembered of records that were deleted from it."""

    def __init__(self, config: WorkspaceConfig, documents: dict[Key, Document | None]) -> None:
        self.config, self.filters = config, FilterNames(config, documents)
        self._gone: dict[str, dict[str, str]] = {}
        self._packed: dict[str, Packed] = {}
        self._channels: dict[str, Packed] = {}

    def remember(self, sid: str, shown: dict[str, str]) -> None:
        """A record that is being deleted. For the batch at hand and those after it, until the configuration changes."""
        self._gone[sid] = shown
        self._packed.pop(sid, None)

    def facts(self, sid: str) -> dict[str, str]:
        """What is shown of a Task Channel, TaskQueue, Workflow or Activity; {} for one that nobody knows."""
        config = self.config
        for table in (config.queues, config.workflows, config.channels, config.activities):
            if sid in table:
                return facts_of(table[sid])
        return self._gone.get(sid, {})

    def record(self, sid: str) -> Packed:
        """The same, packed."""
        known = self._packed.get(sid)
        if known is None:
            known = self._packed[sid] = squeezed(self.facts(sid))
        return known

    def channel(self, number: str) -> Packed:
        """What is shown of a Task Channel beside a Task or Worker, packed; {} once it was deleted."""
        known = self._channels.get(number)
        if known is None:
            channel = self.config.channel_numbered(int(number))
            shown = {}
            if channel is not None:
                shown = {"task_channel_sid": channel.sid, "task_channel_unique_name": channel.unique_name}
            known = self._channels[number] = squeezed(shown)
        return known

    def activity(self, name: str, sid: str) -> dict[str, str]:
        """An Activity that a Worker is or was in."""
        shown = {f"{name}_sid": sid}
        known = self.config.activities.get(sid)
        friendly = self._gone.get(sid, {}).get("activity_name") if known is None else known.friendly_name
        return shown if friendly is None else {**shown, f"{name}_name": friendly}
