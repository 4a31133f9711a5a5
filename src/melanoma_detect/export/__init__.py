"""Export: a detector's model as ONNX, LiteRT, SavedModel or in eight bits, compared with the detector."""
