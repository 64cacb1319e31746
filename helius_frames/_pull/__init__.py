"""From owners (or mints) to rows: walks from cursor to cursor, and many of them at once."""
