"""A network as frozen data: layers, loss, parameters, batches, quantities."""
