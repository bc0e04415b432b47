"""Everything that is written: page, tables, comments, CI files."""
