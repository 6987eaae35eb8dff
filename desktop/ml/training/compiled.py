"""A network made ready for learning: loss, penalties, optimizer, and how much of it runs together."""

from __future__ import annotations

from desktop.ml.data.batches import Batches, batch_of, steps_of
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend, losses, optimizers
from desktop.ml.nets.cost import steps_at_once
from desktop.ml.plans.plan import OptimizerPlan, TrainingPlan

backend.select()

import keras  # noqa: E402


class Compiled:
    """``network`` from pictures to logits, ready for ``fit``; ``batch`` pictures a step, ``steps`` an epoch.

    ``parts`` above 1 splits every batch for a device with little memory: the gradients of the parts are averaged, so a
    step is what it was; batch normalisation sees the parts. ``at_once`` steps are handed to the device together; by
    default :func:`desktop.ml.nets.cost.steps_at_once` decides.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        model: keras.Model,
        optimizer: OptimizerPlan,
        epochs: int,
        train: Pictures,
        parts: int = 1,
        at_once: int | None = None,
    ) -> None:
        self.batch = batch_of(train.labels, plan)
        self.steps = steps_of(train.labels, plan)
        self.network = keras.Model(model.inputs, model.output["logits"], name="network")
        # Keras scales the loss by itself only where the whole model was built in float16; this one holds its layers.
        scaled = any(layer.compute_dtype == "float16" for layer in self.network._flatten_layers())
        self.optimizer = optimizers.build(optimizer, self.steps * epochs, parts, scaled)
        losses.penalise(self.network, plan.fit.l1, plan.fit.l2)
        self.at_once = at_once or steps_at_once(self.network, plan.fit, self.steps, parts)
        self.network.compile(
            optimizer=self.optimizer,
            loss=losses.loss_of(plan.fit),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            steps_per_execution=self.at_once,
            jit_compile=plan.fit.jit,
        )
        self.optimizer.build(self.network.trainable_variables)
        if keras.backend.backend() != "tensorflow":
            # Else `fit` would build losses and metrics from the first batch, which a continued epoch then lacks.
            self.network._symbolic_build(data_batch=Batches(train, plan, 0, augment=())[0])

    def bring_back(self) -> None:
        """Under JAX weights and optimizer lie outside the network between two steps: bring them back to be read."""
        if keras.backend.backend() == "jax":
            self.network.jax_state_sync()

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(keras.ops.convert_to_numpy(self.optimizer.learning_rate))

    @property
    def done(self) -> int:
        """How many steps the optimizer has made."""
        return int(keras.ops.convert_to_numpy(self.optimizer.iterations))
