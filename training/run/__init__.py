"""What the folder of a training run records: its plan, the fingerprint of its data, and its history. Loads no Keras."""
