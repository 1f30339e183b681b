"""Moving average of a model's weights and batch-norm statistics; a run validates and keeps the averaged model."""

import keras

UPDATE_INTERVAL_STEPS = 10


class MovingAverage(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Updates `averaged` with the weights of the trained model, with a time constant of `average_steps` steps.

    This is Polyak averaging with the warm-up of TensorFlow's ExponentialMovingAverage: the first updates have a shorter
    time constant. The number of updates follows from the optimizer's steps, so a resumed run averages as an
    uninterrupted one.
    """

    def __init__(self, averaged: keras.Model, *, average_steps: int) -> None:
        super().__init__()
        self._averaged = averaged
        self._decay = max(0.0, 1 - UPDATE_INTERVAL_STEPS / average_steps)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        steps = int(self.model.optimizer.iterations)
        if steps % UPDATE_INTERVAL_STEPS == 0:
            updates = steps // UPDATE_INTERVAL_STEPS
            self._update(1 - min(self._decay, (1 + updates) / (10 + updates)))

    def _update(self, weight_of_new: float) -> None:
        for mean, weight in zip(self._averaged.weights, self.model.weights, strict=True):
            mean.assign(mean + weight_of_new * (keras.ops.convert_to_tensor(weight) - mean))
