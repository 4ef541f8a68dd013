"""Training and conversion: the only home of TensorFlow, Keras and tf2onnx."""
