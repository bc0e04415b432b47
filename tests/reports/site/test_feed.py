"""The site's Atom feed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime

from site_desk import ATOM, Desk, fill

from reports.regression.history import append


def test_the_feed_is_atom_with_stable_ids_and_no_present_time(desk: Desk) -> None:
    entries = fill(desk, 30, ("go", "python"), 10)
    assert desk.publish() == 0
    feed = ET.fromstring((desk.site / "feed.xml").read_bytes())
    assert feed.tag == f"{ATOM}feed"
    found = feed.findall(f"{ATOM}entry")
    # RFC 4287, 4.1.1 and 4.1.2: exactly one id, title and updated each, an author, an alternate link.
    for element in (feed, *found):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert (element.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
        assert element.find(f"{ATOM}link[@rel='alternate']") is not None
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    ids = [entry.findtext(f"{ATOM}id") for entry in found]
    assert len(set(ids)) == 2
    assert feed.findtext(f"{ATOM}updated") == max(entry.findtext(f"{ATOM}updated") or "" for entry in found)
    assert "go|db@saturate|p99: 12 % worse" in (found[1].findtext(f"{ATOM}content") or "")
    assert "CPython 3.15" in (found[0].findtext(f"{ATOM}title") or "")
    # One run more moves no id; an address makes links absolute.
    append(desk.history, [desk.entry(99, entries[0].cells)])
    assert desk.publish("--url", "https://example.org/fitmap") == 0
    again = ET.fromstring((desk.site / "feed.xml").read_bytes())
    assert [entry.findtext(f"{ATOM}id") for entry in again.findall(f"{ATOM}entry")] == ids
    assert all((link.get("href") or "").startswith("https://example.org/fitmap/") for link in again.iter(f"{ATOM}link"))
