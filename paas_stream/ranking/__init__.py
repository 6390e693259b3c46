"""In which order the candidates of a deployment are tried."""
