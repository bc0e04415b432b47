"""Statistics on plain numbers. Knows no record."""
