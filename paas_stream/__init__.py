"""PaaS Stream: a TOSCA template goes in, a ranked provider of the federation runs it."""

__version__ = "0.1.0"
