"""The viewer page in a real browser, with a model folder that the compressor wrote."""

import base64
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Request
from spaceport_compressor.viewer_files import FOLDER_VARIABLE
from spaceport_job.paths import JobPaths

from tests.browser.conftest import FileServer
from tests.images.compressor_job import prepare_job, run_compressor

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
VIEWER_SOURCE = ROOT / "images" / "compressor" / "viewer"
TITLE = "Hof <Süd> & Scheune"
WIDTH, HEIGHT = 960, 600
SECONDS_TO_OPEN = 60
# The folder lies deep, as it does behind the delivery: nothing may assume the root.
DEEP = Path("jobs/4f6f/model")

Pixels = NDArray[np.uint8]
Serve = Callable[[Path], FileServer]


@pytest.fixture(scope="session")
def viewer_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, bundled anew from its sources."""
    target = tmp_path_factory.mktemp("viewer")
    tools = ROOT / ".venv" / "bin"
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    commands = [["npm", "run", "build", "--silent", "--", str(target)]]
    if not (VIEWER_SOURCE / "node_modules").exists():
        commands.insert(0, ["npm", "ci", "--no-audit", "--no-fund"])
    for command in commands:
        done = subprocess.run(
            command, cwd=VIEWER_SOURCE, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="session")
def model_site(tmp_path_factory: pytest.TempPathFactory, viewer_page: Path) -> Path:
    """A folder to serve, with a model folder deep inside."""
    base = tmp_path_factory.mktemp("job")
    paths: JobPaths = prepare_job(base)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(viewer_page))
        assert run_compressor(paths, "--title", TITLE) == 0
    site = base / "site"
    shutil.copytree(paths.processing_output("model"), site / DEEP)
    return site


@dataclass
class OpenPage:
    """A page and what it did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Waits until the model is shown or the page gave up; polls, since the page forbids eval."""
        deadline = time.monotonic() + SECONDS_TO_OPEN
        while not self.page.evaluate("window.spaceport?.ready || window.spaceport?.error"):
            assert time.monotonic() < deadline, f"not shown in {SECONDS_TO_OPEN} s; it said {self.complaints}"
            time.sleep(0.05)

    def picture(self) -> Pixels:
        """What the person sees."""
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    def frame(self) -> Pixels:
        """The model alone, without the page's title and buttons, at the page's size."""
        shot = self.page.evaluate(
            f"window.spaceport.viewer.captureFrame({{width: {WIDTH}, height: {HEIGHT}, supersample: 1}})"
        )
        data = np.frombuffer(base64.b64decode(shot["data"]), np.uint8)
        return data.reshape(shot["height"], shot["width"], 4)[..., :3]

    def settled_frame(self) -> Pixels:
        """The frame once the camera has come to rest."""
        last = self.frame()
        for _ in range(40):
            time.sleep(0.15)
            now = self.frame()
            if np.abs(now.astype(int) - last).mean() < 0.05:
                return now
            last = now
        raise AssertionError("the camera does not come to rest")


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[[str], OpenPage]]:
    """Returns a function that opens an address in a browser that has never been there."""
    contexts = []

    def go(url: str) -> OpenPage:
        context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        contexts.append(context)
        opened = OpenPage(context.new_page())

        def note(request: Request) -> None:
            opened.requests.append(request.url)

        context.on("request", note)
        opened.page.on(
            "console",
            lambda message: opened.complaints.append(message.text) if message.type == "error" else None,
        )
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.goto(url)
        opened.wait()
        return opened

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def shown(model_site: Path, serve: Serve, visit: Callable[[str], OpenPage]) -> OpenPage:
    return visit(f"{serve(model_site).url}/{DEEP}/")


def where(picture: Pixels, colour: str) -> NDArray[np.float64]:
    """Returns the rows and columns [N, 2] of clearly red, green, blue or yellow pixels."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    masks = {
        "red": (red > 90) & (red > 2 * green) & (red > 2 * blue),
        "green": (green > 80) & (green > 2 * red) & (green > 2 * blue),
        "blue": (blue > 80) & (blue > 2 * red) & (blue > 2 * green),
        "yellow": (red > 90) & (green > 80) & (red > 2.5 * blue) & (np.abs(red - green) < 60),
    }
    found = np.argwhere(masks[colour])
    assert len(found) > 150, f"only {len(found)} {colour} pixels"
    return found.astype(float)


def difference(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def test_the_model_is_shown_with_its_title_and_nothing_goes_wrong(shown: OpenPage):
    assert shown.page.evaluate("window.spaceport.error") is None
    picture = shown.picture()
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 1_000
    assert shown.page.title() == TITLE
    assert shown.page.inner_text("#title") == TITLE
    assert not shown.page.is_visible("#status")
    assert shown.complaints == []


def test_everything_comes_from_the_model_folder(shown: OpenPage):
    folder = shown.page.url
    outside = [
        url
        for url in shown.requests
        if not url.startswith((folder, f"blob:{folder.split('/jobs')[0]}", "data:"))
    ]
    assert outside == []
    assert {f"{folder}model.sog", f"{folder}settings.json"} <= set(shown.requests)


def test_up_is_up_and_north_is_away(shown: OpenPage):
    """Seen from the south: red (north) is above the middle, green (east) right, blue (west) left."""
    frame = shown.settled_frame()
    red, green, blue, yellow = (
        where(frame, name).mean(axis=0) for name in ("red", "green", "blue", "yellow")
    )
    assert red[0] < min(green[0], blue[0])
    assert blue[1] < yellow[1] < green[1]
    tower = where(frame, "yellow")
    tall, wide = np.ptp(np.percentile(tower, [3, 97], axis=0), axis=0)
    assert tall > 1.8 * wide
    assert abs(np.median(tower[tower[:, 0] > np.percentile(tower[:, 0], 95)][:, 1]) - WIDTH / 2) < 25, (
        "the foot of the tower, which the photos look at, is in the middle"
    )


def test_the_first_view_is_that_of_the_preview(shown: OpenPage, model_site: Path):
    """The page and our own renderer show the same: camera, frame, colours and the decoded file agree."""
    preview = np.asarray(Image.open(model_site / DEEP / "preview.jpg").convert("RGB"))
    frame = shown.settled_frame()
    assert frame.shape == preview.shape
    error = np.mean((frame.astype(float) - preview) ** 2)
    assert 10 * np.log10(255**2 / error) > 33


def test_dragging_turns_the_model(shown: OpenPage):
    before = shown.settled_frame()
    mouse = shown.page.mouse
    mouse.move(WIDTH * 0.45, HEIGHT * 0.5)
    mouse.down()
    mouse.move(WIDTH * 0.75, HEIGHT * 0.5, steps=8)
    mouse.up()
    after = shown.settled_frame()
    assert difference(before, after) > 5
    # Dragged to the right, the near side goes right and so the eastern box comes nearer to the viewer.
    assert where(after, "green").mean(axis=0)[0] != pytest.approx(
        where(before, "green").mean(axis=0)[0], abs=20
    )
    tower = where(after, "yellow")
    tall, wide = np.ptp(np.percentile(tower, [3, 97], axis=0), axis=0)
    assert tall > 1.8 * wide, "it stays upright"


def test_the_wheel_comes_nearer(shown: OpenPage):
    before = len(where(shown.settled_frame(), "yellow"))
    shown.page.mouse.move(WIDTH / 2, HEIGHT / 2)
    shown.page.mouse.wheel(0, -400)
    assert len(where(shown.settled_frame(), "yellow")) > 1.2 * before


def test_without_being_asked_to_it_stands_still(shown: OpenPage):
    first = shown.settled_frame()
    time.sleep(1)
    assert difference(first, shown.frame()) < 0.05


def test_orbit_in_the_address_turns_it_slowly(
    model_site: Path, serve: Serve, visit: Callable[[str], OpenPage]
):
    opened = visit(f"{serve(model_site).url}/{DEEP}/?orbit=12")
    start = opened.frame()
    time.sleep(2)
    assert difference(start, opened.frame()) > 3
    assert opened.complaints == []


def test_webgl_can_be_asked_for(model_site: Path, serve: Serve, visit: Callable[[str], OpenPage]):
    opened = visit(f"{serve(model_site).url}/{DEEP}/?webgl")
    assert opened.page.evaluate("window.spaceport.renderer") == "webgl"
    assert opened.page.evaluate("window.spaceport.ready") is True


@pytest.mark.parametrize(
    ("status", "words"), [(404, "no model at this address"), (403, "run out"), (503, "try again")]
)
@pytest.mark.parametrize("missing", ["model.sog", "settings.json"])
def test_a_model_that_is_not_there_is_told_in_plain_words(
    model_site: Path, serve: Serve, visit: Callable[[str], OpenPage], missing: str, status: int, words: str
):
    server = serve(model_site)
    server.refuse[f"/{DEEP}/{missing}"] = status
    opened = visit(f"{server.url}/{DEEP}/")
    message = opened.page.evaluate("window.spaceport.error")
    assert words in message
    assert opened.page.inner_text("#status-text") == message
    assert opened.page.is_visible("#status")
    assert opened.page.is_visible("#status-retry") == (status == 503)
    assert opened.page.evaluate("window.spaceport.ready") is False


@pytest.mark.parametrize("damage", ["cut", "other kind"])
def test_a_damaged_model_is_told_in_plain_words(
    model_site: Path, serve: Serve, visit: Callable[[str], OpenPage], tmp_path: Path, damage: str
):
    shutil.copytree(model_site, tmp_path / "site")
    model = tmp_path / "site" / DEEP / "model.sog"
    content = model.read_bytes()
    model.write_bytes(content[: len(content) // 2] if damage == "cut" else b"<html>not a model</html>")
    opened = visit(f"{serve(tmp_path / 'site').url}/{DEEP}/")
    assert "damaged" in opened.page.evaluate("window.spaceport.error")
    assert opened.page.is_visible("#status-retry")


def test_the_button_tries_again(model_site: Path, serve: Serve, visit: Callable[[str], OpenPage]):
    server = serve(model_site)
    server.refuse[f"/{DEEP}/model.sog"] = 503
    opened = visit(f"{server.url}/{DEEP}/")
    server.refuse.clear()
    opened.page.click("#status-retry")
    opened.page.wait_for_load_state()
    opened.wait()
    assert opened.page.evaluate("window.spaceport.ready") is True


def test_a_browser_without_webgl_is_told_so(model_site: Path, serve: Serve, chromium: Browser):
    context = chromium.new_context()
    context.add_init_script(
        "HTMLCanvasElement.prototype.getContext = () => null;"
        "Object.defineProperty(navigator, 'gpu', {value: undefined});"
    )
    opened = OpenPage(context.new_page())
    opened.page.goto(f"{serve(model_site).url}/{DEEP}/")
    opened.wait()
    assert "WebGL 2" in opened.page.evaluate("window.spaceport.error")
    context.close()


def test_the_settings_have_what_the_page_reads(model_site: Path):
    settings = json.loads((model_site / DEEP / "settings.json").read_text())
    assert settings["spaceport"]["title"] == TITLE
    assert len(settings["cameras"]) == 1


def test_the_report_page_stands_alone(model_site: Path, serve: Serve, chromium: Browser):
    """Its pictures are in it, and it asks for nothing."""
    server = serve(model_site)
    context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server.url}/{DEEP}/report.html")
    widths = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) >= 3
    assert all(widths)
    assert server.requests == [f"/{DEEP}/report.html"]
    assert errors == []
    context.close()
