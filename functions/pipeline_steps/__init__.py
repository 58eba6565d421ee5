"""The state machine's own steps: check the capture, judge the reconstruction, tell of waits, publish."""
