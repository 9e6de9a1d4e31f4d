"""A digital twin: days of work in simulated time, by the project's own claim, quota and planning."""
