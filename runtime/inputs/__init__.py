"""What a predictor accepts as input: arrays, picture files, and the MNIST ink adapter."""
