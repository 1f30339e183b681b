"""A moving average of a model's weights and batch-norm statistics, which is what a run validates and keeps."""

import keras

EVERY_STEPS = 10


class MovingAverage(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Lets `averaged` follow the trained model with a memory of so many steps; at first the memory is short.

    Polyak averaging with the warm-up of TensorFlow's ExponentialMovingAverage. The number of updates follows from
    the optimizer's steps, so a resumed run averages on as if nothing had happened.
    """

    def __init__(self, averaged: keras.Model, *, memory_steps: int) -> None:
        super().__init__()
        self._averaged = averaged
        self._decay = max(0.0, 1 - EVERY_STEPS / memory_steps)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        steps = int(self.model.optimizer.iterations)
        if steps % EVERY_STEPS == 0:
            updates = steps // EVERY_STEPS
            self._follow(1 - min(self._decay, (1 + updates) / (10 + updates)))

    def _follow(self, share: float) -> None:
        for mean, weight in zip(self._averaged.weights, self.model.weights, strict=True):
            mean.assign(mean + share * (keras.ops.convert_to_tensor(weight) - mean))
