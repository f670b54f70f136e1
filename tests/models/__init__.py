"""Tests of planrunner.models."""
