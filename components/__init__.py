"""The components of the platform: one concern each, wired together by `__main__.py`."""
