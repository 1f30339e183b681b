"""Connections, tables, the database's clock and bulk inserts."""
