"""JSON as the API writes it, for tests that need no server."""

JOB_ID = "3f9c1d2e4b5a46978899aabbccddeeff"
MODEL = {"name": "fashion-mnist", "version": "1.0.0", "precision": "fp32"}


def job_document(
    *, state: str = "running", succeeded: int = 0, failed: int = 0, total: int = 3, explain: str = "cam"
) -> dict[str, object]:
    ended = state not in ("queued", "running")
    return {
        "id": JOB_ID,
        "kind": "batch",
        "name": None,
        "state": state,
        "run": 1,
        "revision": succeeded + failed,
        "queue": "bulk",
        "model": MODEL,
        "options": {"top_k": 3, "explain": explain},
        "counts": {
            "total": total,
            "queued": total - succeeded - failed,
            "running": 0,
            "succeeded": succeeded,
            "failed": failed,
            "cancelled": 0,
        },
        "skipped": [{"name": ".DS_Store", "reason": "hidden"}],
        "skipped_total": 1,
        "created_at": "2026-01-02T03:04:05Z",
        "started_at": "2026-01-02T03:04:06Z" if ended else None,
        "cancel_requested_at": None,
        "ended_at": "2026-01-02T03:04:07.5Z" if ended else None,
        "expires_at": None,
        "purged_at": None,
        "links": {"self": f"/v1/jobs/{JOB_ID}", "items": f"/v1/jobs/{JOB_ID}/items", "archive": "…"},
    }


def item_document(index: int, *, faithfulness: float | None = None) -> dict[str, object]:
    """An item as the API writes it. Item 1 failed; the name of item 2 tries to clear the screen."""
    failed = index == 1
    scores = [{"label": "Sneaker", "confidence": 0.75}, {"label": "Bag", "confidence": 0.25}]
    return {
        "index": index,
        "name": "evil\x1b[2J.png" if index == 2 else f"{index}.png",
        "state": "failed" if failed else "succeeded",
        "sha256": "00" * 32,
        "bytes": 600,
        "width": None if failed else 28,
        "height": None if failed else 28,
        "label": None if failed else "Sneaker",
        "confidence": None if failed else 0.75,
        "top_k": None if failed else scores,
        "cam": None if failed else {"height": 1, "width": 2, "values": [0.5, 1.5]},
        "faithfulness": None if failed else faithfulness,
        "error": {"code": "truncated_image", "message": "The file ends too early."} if failed else None,
        "model": {**MODEL, "engine": "onnx"},
        "attempt": 1,
        "links": {"self": f"/v1/jobs/{JOB_ID}/items/{index}", "image": "…", "overlay": None},
    }
