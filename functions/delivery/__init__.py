"""Delivery: opens a shared link and lets the browser see that one model."""
