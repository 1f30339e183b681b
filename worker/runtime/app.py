"""The Celery application of the workers: `celery -A worker.runtime.app worker -Q bulk,archive`.

Celery finds its application by importing this module, so only this module reads settings when it is imported.
"""

from core.broker import (
    BUILD_ARCHIVE_TASK,
    DRAW_OVERLAY_TASK,
    INFER_SHARD_TASK,
    WORKER_SOCKET_TIMEOUT_S,
    celery_app,
)
from core.settings import settings
from worker.runtime.pool_watch import watch_children
from worker.runtime.priority import lower_bulk_priority

ARCHIVE_TIME_LIMIT_S = 3600
KIB = 1024

config = settings()
app = celery_app(config.redis_url.get_secret_value(), socket_timeout_s=WORKER_SOCKET_TIMEOUT_S)
app.conf.update(
    imports=("worker.tasks", "worker.runtime.signals", "worker.runtime.shutdown", "worker.runtime.watchdog"),
    task_annotations={
        INFER_SHARD_TASK: {"time_limit": config.shard_limit_s},
        DRAW_OVERLAY_TASK: {"time_limit": config.shard_limit_s},
        BUILD_ARCHIVE_TASK: {"time_limit": ARCHIVE_TIME_LIMIT_S},
    },
    worker_consumer="worker.runtime.consumer:Consumer",
    worker_prefetch_multiplier=1,
    worker_proc_alive_timeout=120,
    worker_max_memory_per_child=config.child_memory_bytes // 2 // KIB,
    worker_send_task_events=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=True,
    worker_log_format="%(asctime)s %(levelname)s %(message)s",
    worker_task_log_format="%(asctime)s %(levelname)s %(message)s",
)
watch_children(app)
lower_bulk_priority(app)
