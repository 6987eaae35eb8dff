"""Fixtures of the trainings."""

from tests.training.jobs import obedient_job

__all__ = ["obedient_job"]
