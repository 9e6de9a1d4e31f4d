"""HTTP manners that every room shares."""
