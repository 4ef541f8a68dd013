"""How well pictures are read that are not as MNIST has them."""
