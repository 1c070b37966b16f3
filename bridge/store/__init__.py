"""The database: tables, migrations, the group committer, and SQL as plain functions of a connection."""
