"""An absolute timer that wakes a greenlet within tens of microseconds, by a timerfd and gevent's io watcher.

gevent's own timers round up to the milliseconds of the event loop: `gevent.sleep` overshoots by 0.1 to 1 ms.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import gevent

CLOCK_MONOTONIC = 1
TFD_TIMER_ABSTIME = 1
SECOND_NS = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Timer:
    """Waits until instants of `time.perf_counter_ns` (CLOCK_MONOTONIC on Linux). Raises OSError."""

    def __init__(self) -> None:
        # Python has os.timerfd_create from 3.13; the tests also run on older versions.
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._descriptor = int(libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        hub: Any = gevent.get_hub()
        self._wait = hub.wait
        self._watcher = hub.loop.io(self._descriptor, 1)
        self._spec = _Itimerspec()
        self._reference = ctypes.byref(self._spec)

    def wait_until(self, instant_ns: int) -> None:
        """Lets other greenlets run until the instant, at least once."""
        value = self._spec.value
        value.seconds, value.nanoseconds = divmod(instant_ns, SECOND_NS)
        self._settime(self._descriptor, TFD_TIMER_ABSTIME, self._reference, None)
        self._wait(self._watcher)
        os.read(self._descriptor, 8)

    def close(self) -> None:
        self._watcher.close()
        os.close(self._descriptor)
