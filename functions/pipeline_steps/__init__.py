"""The state machine's own steps: judge the reconstruction, tell of waits, publish."""
