"""Celery workers: they claim shards, infer and explain their images, draw overlays and build archives."""
