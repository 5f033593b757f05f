"""SQL tables, the unit of work, migrations. SQLite (WAL, one writer) by default; the schema is plain SQL throughout."""
