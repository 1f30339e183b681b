"""Benchmarks: Batchlight against its model's own speed, against a Celery task per image, and against other servers."""
