"""The Celery application of Flower's container (`celery -A ops.flower flower`): the workers' broker and no tasks."""

from core.broker import WORKER_SOCKET_TIMEOUT_S, celery_app
from core.settings import settings

app = celery_app(settings().redis_url.get_secret_value(), socket_timeout_s=WORKER_SOCKET_TIMEOUT_S)
