"""Pictures: reading and writing them so that every kind comes out right, and the few that are shipped."""
