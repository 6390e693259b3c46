"""Typed clients of the services around: every call has a time-out and tells what kind of fault it met."""
