"""Planning: which team does which work. Pure parts, what they read, what becomes of a plan, and plans by hand."""
