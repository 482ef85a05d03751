"""Looking at every page: who was asked, what was complained of, and when a page has settled."""

import ast
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

VIEWS = Path(__file__).parent.parent.parent / "app" / "views"
PATIENCE = 60_000
_DEFAULT = "today"
# Drawn all it wanted: its script rests, its heading stands, nothing is stale.
_SETTLED = """
title => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && [...document.querySelectorAll('h1')].some(one => one.innerText.includes(title))
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
"""
_COMPLAINTS = """
() => [...document.querySelectorAll(
    '[data-testid=stException], [data-testid=stAlertContentError]')].map(one => one.innerText)
"""


@dataclass(frozen=True)
class View:
    """A page by its place in the address, and the question that is its title."""

    path: str
    title: str


def views() -> list[View]:
    """Every page of the app, from its files: the first line of each is its title."""
    found = []
    for file in sorted(VIEWS.glob("[a-z]*.py")):
        title = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").splitlines()
        path = "" if file.stem == _DEFAULT else file.stem.replace("_", "-")
        found.append(View(path, title[0]))
    return found


@dataclass
class Look:
    """One browser page on the app at `address`."""

    browser: Browser
    address: str
    width: int = 1280
    height: int = 900
    scheme: str = "light"
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page: Page = self.browser.new_page(
            viewport={"width": self.width, "height": self.height},
            color_scheme=self.scheme,  # type: ignore[arg-type]
        )
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._said)

    def load(self, view: View) -> float:
        """Type the address; seconds until the page has settled."""
        began = time.perf_counter()
        self.page.goto(f"{self.address}/{view.path}", wait_until="commit")
        return self._settle(view, began)

    def click(self, view: View) -> float:
        """Go there by the navigation; seconds until the page has settled."""
        links = self.page.locator("[data-testid=stSidebarNavLink]")
        places = [urlsplit(link or "").path.strip("/") for link in links.evaluate_all(_HREFS)]
        began = time.perf_counter()
        links.nth(places.index(view.path)).click()
        return self._settle(view, began)

    def complaints(self) -> list[str]:
        """Errors that the page shows."""
        found: list[str] = self.page.evaluate(_COMPLAINTS)
        return found

    def overflows(self) -> bool:
        wide: int = self.page.evaluate("document.documentElement.scrollWidth")
        return wide > self.width

    def _settle(self, view: View, began: float) -> float:
        self.page.wait_for_function(_SETTLED, arg=view.title, polling=20)
        return time.perf_counter() - began

    def _asked(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")):
            self.hosts.add(urlsplit(request.url).hostname or "")

    def _said(self, message: ConsoleMessage) -> None:
        # Streamlit first looks for its server below the page's own path; a browser calls that an
        # error.
        probing = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not probing:
            self.errors.append(message.text)


_HREFS = "links => links.map(link => link.href)"
