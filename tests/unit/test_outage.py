"""An outage fills no log: each reason once, then its end, and the next one anew."""

from __future__ import annotations

import logging

import pytest

from engine.outage import Outage


def test_each_reason_is_said_once_and_the_end_once(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("trunkline.test"), "inbox")
    outage.done()  # nothing was wrong
    for _ in range(3):
        outage.failed(ConnectionError("the server closed the connection"))
        outage.failed(ConnectionError("LOADING"))
    outage.done()
    outage.done()
    outage.failed(ConnectionError("LOADING"))
    assert caplog.messages == [
        "inbox: waiting: the server closed the connection",
        "inbox: waiting: LOADING",
        "inbox: going on",
        "inbox: waiting: LOADING",
    ]
