"""Runs the program with neither engine nor AWS, and shows what it registers.

The tests of the program stand on the same run.
"""

from local.preview.config import stack_config, stand_in_public_key
from local.preview.program import PROJECT, ROOT, run_program
from local.preview.registrations import Registration, Run

__all__ = ["PROJECT", "ROOT", "Registration", "Run", "run_program", "stack_config", "stand_in_public_key"]
