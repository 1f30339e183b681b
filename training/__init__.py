"""The pipeline that makes an artefact: data, training, export, evaluation."""
