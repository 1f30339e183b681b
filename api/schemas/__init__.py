"""What clients read: one schema per resource, made from the database's rows by `of`."""
