"""Picture of a report, as README shows it: headless Chromium's screenshot, in few colours.

    netsim report RUN_DIR --out PAGE.html
    python analysis/picture_of_report.py PAGE.html OUT.png [--height 1390] [--dark]

Needs the extra `test` (selenium, Pillow by way of matplotlib), chromium and chromedriver.
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDTH = 1240


def screenshot(page: Path, height: int, *, dark: bool) -> bytes:
    """The top of the page as PNG, its figures drawn."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as profile:
        for switch in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(switch)
        browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            browser.get(page.resolve().as_uri())
            time.sleep(3)
            picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        finally:
            browser.quit()
    return base64.b64decode(picture["data"])


def main() -> None:
    """Take the picture and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--height", type=int, default=1390)
    parser.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()
    picture = Image.open(
        io.BytesIO(screenshot(arguments.page, arguments.height, dark=arguments.dark))
    )
    picture.convert("RGB").quantize(160, dither=Image.Dither.NONE).save(
        arguments.out, optimize=True
    )


if __name__ == "__main__":
    main()
