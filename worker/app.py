"""The Celery application of the workers: `celery -A worker.app worker -Q bulk,archive`.

Celery finds its application by importing this module, so it is the one module whose import reads the settings.
"""

from core.queue import celery_app
from core.settings import settings

app = celery_app(settings().redis_url.get_secret_value(), socket_timeout_s=10)
app.conf.update(
    imports=("worker.tasks", "worker.lifecycle"),
    worker_prefetch_multiplier=1,
    worker_proc_alive_timeout=120,
    worker_send_task_events=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=True,
    worker_log_format="%(asctime)s %(levelname)s %(message)s",
    worker_task_log_format="%(asctime)s %(levelname)s %(message)s",
)
