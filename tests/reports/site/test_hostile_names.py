"""Names from outside stay text, and lead to no file outside the site."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from browser import console, look_at, needs_chromium
from selenium import webdriver
from site_desk import ATOM, Desk, dead_links

from reports.site.sync import MANIFEST
from reports.site.view import slug


def test_hostile_names_are_text_and_reach_no_other_file(hostile: Desk) -> None:
    assert {p.name for p in hostile.site.parent.iterdir()} == {"history.jsonl", "runs", "site", "escape"}
    for name, data in hostile.files().items():
        assert b"<script" not in data.lower(), name
        assert b"secret" not in data
        assert all(part.strip(".") and part.isascii() for part in Path(name).parts if part != MANIFEST), name
    # Names that differ in case alone are two pages on any disk.
    assert len({p.name.lower() for p in hostile.site.glob("trends/*/*.html")}) == 4
    assert dead_links(hostile.site) == []
    titles = [title.text or "" for title in ET.fromstring(hostile.files()["feed.xml"]).iter(f"{ATOM}title")]
    assert any("<script>window.hit=1</script>\ufffd& ]]>" in title for title in titles)


def test_slugs_are_safe_and_no_two_names_share_one() -> None:
    names = ["go", "Go", "GO", "..", "", "a/b", "a-b", "a b", "é", "x" * 300, "x" * 301, slug("Go"), slug(slug("Go"))]
    assert len({slug(name) for name in names}) == len(names)
    assert slug("go") == "go"
    assert all(slug(name).replace("-", "").isalnum() and slug(name).isascii() and len(slug(name)) < 80 for name in names)


@needs_chromium
def test_hostile_names_run_nothing(browser: webdriver.Chrome, hostile: Desk) -> None:
    for page in hostile.site.rglob("*.html"):
        assert look_at(browser, page.as_uri()) == [page.as_uri()]
        assert browser.execute_script("return window.hit") is None
        assert console(browser) == []
