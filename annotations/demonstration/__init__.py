"""The demonstration: a small workforce, real clips, and scripted reviewers who label some of them over HTTP."""
