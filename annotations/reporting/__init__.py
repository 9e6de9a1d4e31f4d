"""Reports: what was done in a period, as tables, as CSV, and mailed to who asked for it."""
