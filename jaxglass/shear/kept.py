"""A path that is kept in a file, so that it can go on after an interrupt."""

import os
import time

from ..host import archive
from ..host.identity import describe

EVERY = 10.0  # seconds between two writes; a state of n = 10,000 takes 30 ms
WHAT = "checkpoint"


class Checkpoint:
    """The file of one path.

    Attributes:
        path: file name.
        about: what the path is, in words.
        goes_on: whether ``sizes`` found a path to go on with.
        written: when the file was last written.
    """

    def __init__(self, path, **about):
        self.path, self.about = path, {name: describe(value) for name, value in about.items()}
        self.written, self.goes_on = time.perf_counter(), False

    def sizes(self, room, events):
        """Room for lists and events: as in the file, unless the lists there had less room; then the
        path begins anew.
        """
        if not os.path.exists(self.path):
            return room, events
        there = archive.identity(self.path, what=WHAT)
        # a file of something else has no room; it is read all the same, and refused
        self.goes_on = there.get("room", room) >= room
        if not self.goes_on:
            return room, events
        return there.get("room", room), there.get("events", events)

    def read(self, state, room, events):
        """The state to go on from, that of the file where its sizes were taken."""
        if not self.goes_on:
            return state
        return archive.read(self.path, self._identity(room, events), state, what=WHAT)

    def write(self, state, room, events):
        """Now and then; a kill leaves the old file or the new one."""
        if time.perf_counter() - self.written > EVERY:
            archive.write(self.path, self._identity(room, events), state)
            self.written = time.perf_counter()

    def remove(self):
        """At the end."""
        if os.path.exists(self.path):
            os.remove(self.path)

    def _identity(self, room, events):
        return {**self.about, "room": room, "events": events}
