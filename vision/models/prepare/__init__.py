"""Convert published model files to ONNX graphs with a free batch dimension."""
