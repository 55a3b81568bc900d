"""What tests need: real servers, broken drivers, image builders."""
