"""The API as Python methods."""
