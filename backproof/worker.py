"""A worker process: ``python -m backproof.worker keras float64 .`` evaluates Keras twins."""

from backproof.implementations.worker import main

if __name__ == "__main__":
    main()
