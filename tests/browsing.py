"""Waiting for what a page in the browser shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

POLL_S = 0.02  # Selenium by itself looks twice a second, and sleeps in between
Found = TypeVar("Found")


def wait_for(
    browser: webdriver.Chrome, condition: Callable[[webdriver.Chrome], Found], limit_s: float = 30
) -> Found:
    """What the condition gives once that is true. Raises TimeoutException if it never is."""
    return WebDriverWait(browser, limit_s, poll_frequency=POLL_S).until(condition)  # type: ignore[return-value]
