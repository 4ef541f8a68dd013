"""Predictors, the artifact contract, and the errors that everything shares."""
