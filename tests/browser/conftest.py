"""A browser's pages, and a copy of the course for each module that runs a server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.browser.servers import PATIENCE, copy_course


@pytest.fixture(scope="module")
def course(browser, cache, tmp_path_factory):
    """A copy of the course's folder; without a browser nothing is copied."""
    return copy_course(tmp_path_factory.mktemp("browser") / "course")


@pytest.fixture(scope="module")
def new_page(browser):
    """Return a function that opens an empty page, as wide as a small laptop's screen.

    ``page.hosts`` collects whom its browser asks for anything.
    """
    contexts = []

    def new_page():
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.hosts = set()
        page.on("request", lambda request: page.hosts.add(urlsplit(request.url).netloc))
        return page

    yield new_page
    for context in contexts:
        context.close()
