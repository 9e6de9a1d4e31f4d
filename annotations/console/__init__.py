"""The console that ops managers live in: pages of the admin that read and call verbs, and change nothing themselves."""
