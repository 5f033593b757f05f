"""Alembic's entry: runs the migrations on the connection that `Database.migrate` hands in."""

import importlib
import pkgutil

from alembic import context

from safelight import store
from safelight.store.tables import metadata

# Every room's tables stand on the one metadata once their module was imported.
for _module in pkgutil.iter_modules(store.__path__):
    if _module.name.endswith("_tables"):
        importlib.import_module(f"{store.__name__}.{_module.name}")

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
