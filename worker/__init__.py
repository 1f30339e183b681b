"""The queue's door: Celery tasks that claim shards, infer them, draw overlays and build archives; and the sweep."""
