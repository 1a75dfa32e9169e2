"""Turn published model files into ONNX graphs that one session can run with any batch."""
