"""The pipeline that makes an artifact: data, training, export, evaluation."""
