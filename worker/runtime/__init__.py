"""The Celery application and everything that hooks into it: signals, children, shutdown, watchdog, health."""
